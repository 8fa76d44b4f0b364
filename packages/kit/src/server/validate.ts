import { invalidArgument } from '../errors/common.ts';
import type { Interceptor } from './steps.ts';
import { violationsOf } from './validator.ts';

/** The step that checks the request against the rules of the contract. */
export const validate: Interceptor = (call, next) => {
  if (!call.request) throw new Error('a request is decoded before it is validated');
  const violations = violationsOf(call.method.desc.input, call.request);
  if (violations.length > 0) throw invalidArgument(violations);
  return next(call);
};
