import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { commentOf } from './comment.ts';
import { limitsOf, sentencesOf } from './rules.ts';
import type { Schema } from './schema.ts';

/** The schema of a message or an enum wherever a field is one. */
export type TypeSchema = (type: NonNullable<DescField['message'] | DescField['enum']>) => Schema;

/** The schema of a field: its JSON form, its limits and what its comment says. */
export function fieldSchema(field: DescField, typeSchema: TypeSchema): Schema {
  const { items: itemLimits, ...limits } = limitsOf(field) as Schema & { items?: Schema };
  const description = [commentOf(field), ...sentencesOf(field)].join(' ');
  const value = valueSchema(field, typeSchema);
  if (field.fieldKind === 'list') return { type: 'array', items: { ...value, ...itemLimits }, ...limits, description };
  if (field.fieldKind === 'map') return { type: 'object', additionalProperties: value, ...limits, description };
  return { ...value, ...limits, description };
}

function valueSchema(field: DescField, typeSchema: TypeSchema): Schema {
  if (field.message) return typeSchema(field.message);
  if (field.enum) return typeSchema(field.enum);
  if (field.scalar === undefined) throw new Error(`${field} has no JSON form`);
  return scalarSchema(field.scalar);
}

function scalarSchema(scalar: ScalarType): Schema {
  switch (scalar) {
    case ScalarType.STRING:
      return { type: 'string' };
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.BYTES:
      return { type: 'string', contentEncoding: 'base64' };
    case ScalarType.DOUBLE:
      return { type: 'number', format: 'double' };
    case ScalarType.FLOAT:
      return { type: 'number', format: 'float' };
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      // A string, since JavaScript's numbers hold 53 bits.
      return { type: 'string', format: 'int64', pattern: '^-?[0-9]+$', examples: ['7'] };
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return { type: 'string', format: 'uint64', pattern: '^[0-9]+$', examples: ['7'] };
    default:
      return { type: 'integer', format: 'int32' };
  }
}

/** Whether answers always print the field, also with its zero value. */
export function isAlwaysPrinted(field: DescField): boolean {
  if (field.oneof) return false;
  return (
    field.fieldKind === 'list' ||
    field.fieldKind === 'map' ||
    (field.fieldKind !== 'message' && !field.proto.proto3Optional)
  );
}

/** Every message that is in a message, itself included. */
export function messagesIn(message: DescMessage, into = new Set<DescMessage>()): Set<DescMessage> {
  if (into.has(message)) return into;
  into.add(message);
  for (const { message: inner } of message.fields) if (inner) messagesIn(inner, into);
  return into;
}
