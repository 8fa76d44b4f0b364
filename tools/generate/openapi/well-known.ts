import type { DescMessage } from '@bufbuild/protobuf';
import type { Schema } from './schema.ts';

/** Messages with a JSON form of their own. */
const SCHEMAS: Record<string, Schema> = {
  'google.protobuf.Timestamp': { type: 'string', format: 'date-time' },
  'google.protobuf.Duration': { type: 'string', pattern: '^-?[0-9]+(\\.[0-9]{1,9})?s$' },
  'google.protobuf.FieldMask': { type: 'string' },
  'google.protobuf.Empty': { type: 'object' },
  'google.protobuf.Struct': { type: 'object' },
};

export function isWellKnown(message: DescMessage): boolean {
  return message.typeName in SCHEMAS;
}

/** The JSON form of a well-known message; undefined for any other. */
export function wellKnownSchema(message: DescMessage): Schema | undefined {
  return SCHEMAS[message.typeName];
}
