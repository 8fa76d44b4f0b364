import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import type { FieldViolation } from '../errors/common.ts';
import { createPatternMatcher } from './patterns.ts';

const validator = createValidator({ regexMatch: createPatternMatcher() });

/**
 * Checks a message against the rules of its schema.
 *
 * @returns each broken rule, with the field's path in proto names, for example `operations[3].credit.amount`; empty
 *   when the message is valid. The path is empty for a rule of the whole message.
 * @throws when the schema's own rules can not be compiled, or fail while they run
 */
export function violationsOf<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): FieldViolation[] {
  const result = validator.validate(schema, message);
  switch (result.kind) {
    case 'valid':
      return [];
    case 'invalid':
      return result.violations.map((violation) => ({
        field: pathToString(violation.field),
        description: violation.message,
      }));
    case 'error':
      throw result.error;
  }
}
