import { create } from '@bufbuild/protobuf';
import type { FieldViolation } from '@realmkeep/kit/errors/common';
import { defineRefusals } from '@realmkeep/kit/errors/refusals';
import type { RpcError } from '@realmkeep/kit/errors/rpc-error';
import { BadRequestSchema } from '@realmkeep/proto/google/rpc/error_details';

/** Every refusal of this service. */
export const refuse = defineRefusals('area-stats.realmkeep', {
  EVENT_TOO_OLD: 'INVALID_ARGUMENT',
  EVENT_IN_FUTURE: 'INVALID_ARGUMENT',
  PAGE_TOKEN_INVALID: 'INVALID_ARGUMENT',
  JOB_NOT_FOUND: 'NOT_FOUND',
  JOB_ID_REUSED: 'ALREADY_EXISTS',
});

/** INVALID_ARGUMENT with the reason why an event's time is refused, and the field that is to blame. */
export function eventRefused(reason: 'EVENT_TOO_OLD' | 'EVENT_IN_FUTURE', violations: FieldViolation[]): RpcError {
  const message = violations.map(({ field, description }) => `${field}: ${description}`).join('; ');
  const error = refuse[reason](message);
  error.details.push(create(BadRequestSchema, { fieldViolations: violations }));
  return error;
}
