import { create } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '@realmkeep/proto/google/rpc/error_details';
import { RpcError } from './rpc-error.ts';

/** A field that breaks a rule, by its path in proto names, for example `operations[3].credit.amount`. */
export type FieldViolation = { field: string; description: string };

// The faults of this file belong to no service, so their domain is empty until they leave one.
function errorInfo(reason: string) {
  return create(ErrorInfoSchema, { reason });
}

function retryInfo(delayMs: number) {
  const seconds = Math.floor(delayMs / 1000);
  return create(RetryInfoSchema, {
    retryDelay: { seconds: BigInt(seconds), nanos: Math.round((delayMs - seconds * 1000) * 1e6) },
  });
}

// Details travel in a trailer, which has to stay small enough for every proxy on the way.
const MOST_VIOLATIONS = 25;
const MOST_IN_MESSAGE = 3;

/**
 * INVALID_ARGUMENT that names the fields: BadRequest and the reason INVALID_ARGUMENT. The details hold the first 25
 * violations, the message the first 3 and how many more there are.
 */
export function invalidArgument(violations: FieldViolation[]): RpcError {
  const told = violations
    .slice(0, MOST_IN_MESSAGE)
    .map(({ field, description }) => (field ? `${field}: ${description}` : description));
  if (violations.length > MOST_IN_MESSAGE) told.push(`and ${violations.length - MOST_IN_MESSAGE} more`);
  return new RpcError(status.INVALID_ARGUMENT, told.join('; ') || 'the request is not valid', [
    errorInfo('INVALID_ARGUMENT'),
    create(BadRequestSchema, { fieldViolations: violations.slice(0, MOST_VIOLATIONS) }),
  ]);
}

/** UNAVAILABLE, safe to retry after the delay: RetryInfo and the reason UNAVAILABLE. The cause stays inside. */
export function unavailable(message: string, retryDelayMs: number, cause?: unknown): RpcError {
  const details = [errorInfo('UNAVAILABLE'), retryInfo(retryDelayMs)];
  return new RpcError(status.UNAVAILABLE, message, details, cause === undefined ? {} : { cause });
}

/** RESOURCE_EXHAUSTED: more than is taken now; RetryInfo and the reason RESOURCE_EXHAUSTED. */
export function resourceExhausted(message: string, retryDelayMs: number): RpcError {
  return new RpcError(status.RESOURCE_EXHAUSTED, message, [errorInfo('RESOURCE_EXHAUSTED'), retryInfo(retryDelayMs)]);
}

/** UNAUTHENTICATED with the reason TOKEN_MISSING, TOKEN_INVALID or TOKEN_EXPIRED. */
export function unauthenticated(
  reason: 'TOKEN_MISSING' | 'TOKEN_INVALID' | 'TOKEN_EXPIRED',
  message: string,
): RpcError {
  return new RpcError(status.UNAUTHENTICATED, message, [errorInfo(reason)]);
}

/** PERMISSION_DENIED with the reason ROLE_NOT_ALLOWED or NOT_YOUR_DATA. */
export function permissionDenied(reason: 'ROLE_NOT_ALLOWED' | 'NOT_YOUR_DATA', message: string): RpcError {
  return new RpcError(status.PERMISSION_DENIED, message, [errorInfo(reason)]);
}

/** INTERNAL "internal error", which says nothing about the inside. */
export function internal(cause?: unknown): RpcError {
  return new RpcError(status.INTERNAL, 'internal error', [errorInfo('INTERNAL')], { cause });
}

/** CANCELLED: the caller has left. */
export function cancelled(): RpcError {
  return new RpcError(status.CANCELLED, 'the caller has left', [errorInfo('CANCELLED')]);
}

/** DEADLINE_EXCEEDED: the caller's deadline has passed. */
export function deadlineExceeded(): RpcError {
  return new RpcError(status.DEADLINE_EXCEEDED, 'the deadline has passed', [errorInfo('DEADLINE_EXCEEDED')]);
}
