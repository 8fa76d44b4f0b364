import type { MessageInitShape } from '@bufbuild/protobuf';
import { clone, create, createFileRegistry, type DescService, setExtension } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, MethodOptionsSchema } from '@bufbuild/protobuf/wkt';
import { type Access, Access_Role, AccessSchema, access } from '@realmkeep/proto/realmkeep/options/v1/options';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { expect, test } from 'vitest';
import { accessOf } from './access.ts';

/** The catalog's first method with another access option, or none. */
function methodWith(option: MessageInitShape<typeof AccessSchema> | undefined) {
  const { file } = ItemCatalogService;
  const proto = clone(FileDescriptorProtoSchema, file.proto);
  const options = create(MethodOptionsSchema);
  if (option) setExtension(options, access, create(AccessSchema, option) as Access);
  proto.service[0]!.method[0]!.options = options;
  const registry = createFileRegistry(proto, (name) => file.dependencies.find((known) => known.proto.name === name));
  return (registry.getService(ItemCatalogService.typeName) as DescService).methods[0]!;
}

test('a method that does not say who may call it makes the start fail', () => {
  expect(() => accessOf(methodWith(undefined))).toThrow(/CreateItem does not say who may call it/);
  expect(() => accessOf(methodWith({}))).toThrow(/lists no role/);
  expect(() => accessOf(methodWith({ roles: [Access_Role.PLAYER, Access_Role.UNSPECIFIED] }))).toThrow(
    /does not exist/,
  );
});

test('a subject field that can not hold a subject makes the start fail', () => {
  const owned = (value: string) => ({
    roles: [Access_Role.PLAYER],
    ownership: { case: 'subjectField' as const, value },
  });
  expect(() => accessOf(methodWith(owned('no_such_field')))).toThrow(/no_such_field, which is no text field/);
  expect(() => accessOf(methodWith(owned('max_stack')))).toThrow(/max_stack, which is no text field/);
  expect(accessOf(methodWith(owned('item_id'))).subjectField?.localName).toBe('itemId');
});
