import { type DescField, type DescMessage, type DescOneof, getOption, hasOption } from '@bufbuild/protobuf';
import type { FieldRules, MessageRules } from '@realmkeep/proto/buf/validate/validate';
import {
  field as fieldRules,
  Ignore,
  message as messageRules,
  oneof as oneofRules,
} from '@realmkeep/proto/buf/validate/validate';
import type { Schema } from './schema.ts';

/** What the rules of a field say of its value, as JSON Schema. */
export function limitsOf(field: DescField): Schema {
  return hasOption(field, fieldRules) ? limits(getOption(field, fieldRules)) : {};
}

/** Whether a request without the field is refused: its zero value breaks a rule. */
export function isRequired(field: DescField): boolean {
  if (!hasOption(field, fieldRules)) return false;
  const { required, ignore, type } = getOption(field, fieldRules);
  if (required) return true;
  if (ignore !== Ignore.UNSPECIFIED || field.oneof || isOptional(field)) return false;
  switch (type.case) {
    case 'string': {
      const { minLen, len, pattern, in: values, wellKnown } = type.value;
      return (
        minLen > 0n ||
        len > 0n ||
        (pattern !== '' && !new RegExp(pattern, 'u').test('')) ||
        (values.length > 0 && !values.includes('')) ||
        wellKnown.case === 'uuid'
      );
    }
    case 'repeated':
      return type.value.minItems > 0n;
    case 'enum':
      return type.value.notIn.includes(0);
    case 'int32':
    case 'int64':
    case 'uint32':
    case 'uint64': {
      const { case: bound, value } = type.value.greaterThan;
      return (bound === 'gt' && value >= 0) || (bound === 'gte' && value > 0);
    }
    default:
      return false;
  }
}

/** Whether the field's absence differs from its zero value: it is written with `optional`. */
export function isOptional(field: DescField): boolean {
  return field.fieldKind !== 'message' && field.proto.proto3Optional;
}

/** Whether exactly one of the oneof's fields must be given. */
export function isOneofRequired(oneof: DescOneof): boolean {
  return hasOption(oneof, oneofRules) && getOption(oneof, oneofRules).required;
}

/** The rules of a field or a message that only words can say. */
export function sentencesOf(desc: DescField | DescMessage): string[] {
  const { cel, oneof = [] } = rulesOf(desc);
  return [
    ...oneof.map(({ fields, required }) => `Rule: ${required ? 'exactly' : 'at most'} one of ${fields.join(', ')}.`),
    ...cel.flatMap(({ message }) => (message === '' ? [] : [`Rule: ${message}.`])),
  ];
}

function rulesOf(desc: DescField | DescMessage): Pick<FieldRules, 'cel'> & Partial<Pick<MessageRules, 'oneof'>> {
  if (desc.kind === 'field') return hasOption(desc, fieldRules) ? getOption(desc, fieldRules) : { cel: [] };
  return hasOption(desc, messageRules) ? getOption(desc, messageRules) : { cel: [] };
}

function limits({ type }: FieldRules): Schema {
  switch (type.case) {
    case 'string': {
      const { minLen, maxLen, len, pattern, in: values, wellKnown } = type.value;
      return {
        ...(wellKnown.case === 'uuid' && wellKnown.value && { format: 'uuid' }),
        ...(minLen > 0n && { minLength: Number(minLen) }),
        ...(maxLen > 0n && { maxLength: Number(maxLen) }),
        ...(len > 0n && { minLength: Number(len), maxLength: Number(len) }),
        // Rules are RE2; every pattern of the contract means the same in JSON Schema, or this throws.
        ...(pattern !== '' && { pattern: new RegExp(pattern, 'u').source }),
        ...(values.length > 0 && { enum: values }),
      };
    }
    case 'repeated': {
      const { minItems, maxItems, unique, items } = type.value;
      return {
        ...(minItems > 0n && { minItems: Number(minItems) }),
        ...(maxItems > 0n && { maxItems: Number(maxItems) }),
        ...(unique && { uniqueItems: true }),
        ...(items && { items: limits(items) }),
      };
    }
    case 'int32':
    case 'uint32':
    case 'float':
    case 'double': {
      const { greaterThan, lessThan } = type.value;
      return {
        ...(greaterThan.case === 'gte' && { minimum: greaterThan.value }),
        ...(greaterThan.case === 'gt' && { exclusiveMinimum: greaterThan.value }),
        ...(lessThan.case === 'lte' && { maximum: lessThan.value }),
        ...(lessThan.case === 'lt' && { exclusiveMaximum: lessThan.value }),
      };
    }
    case 'int64':
    case 'uint64': {
      // The number is a string of digits: its sign is the one bound that a pattern can hold.
      const { case: bound, value = 0n } = type.value.greaterThan;
      if (bound === undefined || value < 0n) return {};
      const least = bound === 'gt' ? value + 1n : value;
      return { pattern: least > 0n ? '^[1-9][0-9]*$' : '^[0-9]+$' };
    }
    default:
      return {};
  }
}
