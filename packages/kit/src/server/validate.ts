import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { invalidArgument } from '../errors/common.ts';
import type { Interceptor } from './steps.ts';
import { violationsOf } from './validator.ts';

/** Throws INVALID_ARGUMENT when a request breaks rules of the contract. */
export function refuseInvalid<Desc extends DescMessage>(schema: Desc, request: MessageShape<Desc>): void {
  const violations = violationsOf(schema, request);
  if (violations.length > 0) throw invalidArgument(violations);
}

/** The step that checks the one request against the rules of the contract. */
export const validate: Interceptor = (call, next) => {
  if (!call.request) throw new Error('a request is decoded before it is validated');
  refuseInvalid(call.method.desc.input, call.request);
  return next(call);
};
