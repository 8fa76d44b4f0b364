import {
  type DescField,
  type DescMessage,
  type DescMethod,
  getOption,
  hasOption,
  ScalarType,
} from '@bufbuild/protobuf';
import { type Access, Access_Role, access } from '@realmkeep/proto/realmkeep/options/v1/options';
import type { Role } from '../auth/caller.ts';

/** Who may call a method. */
export type AccessRule = {
  readonly roles: ReadonlySet<Role>;
  /** The request field that must equal the subject of a PLAYER; undefined: none. */
  readonly subjectField: DescField | undefined;
};

const ROLES: Role[] = ['PLAYER', 'SERVER', 'ADMIN', 'SERVICE', 'ANYONE'];

/**
 * Reads who may call a method from its `access` option.
 *
 * ANYONE lets every role in. ADMIN may call whatever someone else than SERVICE may call.
 *
 * @throws when the option is missing, lists no role or UNSPECIFIED, or names a field that can not hold a subject
 */
export function accessOf(method: DescMethod): AccessRule {
  const where = `${method.parent.typeName}/${method.name}`;
  if (!hasOption(method, access)) throw new Error(`${where} does not say who may call it`);
  const option = getOption(method, access);
  const listed = option.roles.map((role) => Access_Role[role] as Role);
  if (listed.length === 0 || !listed.every((role) => ROLES.includes(role))) {
    throw new Error(`${where} lists no role, or one that does not exist`);
  }
  const roles = new Set(listed.includes('ANYONE') ? ROLES : listed);
  if (listed.some((role) => role !== 'SERVICE')) roles.add('ADMIN');
  return { roles, subjectField: subjectFieldOf(option, method.input, where) };
}

function subjectFieldOf({ ownership }: Access, input: DescMessage, where: string): DescField | undefined {
  if (ownership.case !== 'subjectField') return undefined;
  const field = input.fields.find(({ name }) => name === ownership.value);
  if (field?.fieldKind !== 'scalar' || field.scalar !== ScalarType.STRING) {
    throw new Error(`${where} compares the subject with ${ownership.value}, which is no text field of its request`);
  }
  return field;
}
