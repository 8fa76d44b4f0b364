import { create } from '@bufbuild/protobuf';
import { Metadata, status } from '@grpc/grpc-js';
import { ErrorInfoSchema } from '@realmkeep/proto/google/rpc/error_details';
import { internal } from '../errors/common.ts';
import { codeName, type ErrorDetail, RpcError } from '../errors/rpc-error.ts';
import { encodeStatus, STATUS_DETAILS_TRAILER } from '../errors/status-details.ts';
import type { Logger } from '../log/logger.ts';
import { type Call, type Failure, goneFrom } from './call.ts';
import type { Interceptor } from './steps.ts';

const HIDDEN = new Set([status.INTERNAL, status.UNKNOWN, status.DATA_LOSS]);

/**
 * The step that turns whatever is thrown into what the caller is told. It never throws.
 *
 * An RpcError leaves as it is, with exactly one ErrorInfo. Everything else, and errors that speak of the inside, leave
 * as INTERNAL "internal error" and are logged with the trace.
 *
 * @param domain the service's error domain, given to errors that have none
 */
export function createErrors({ domain, logger }: { domain: string; logger: Logger }): Interceptor {
  return async (call, next) => {
    try {
      await next(call);
    } catch (thrown) {
      const error = tellable(call, thrown, logger);
      call.code = error.code;
      call.outlet.fail(failureOf(error, domain));
    }
  };
}

function tellable(call: Call, thrown: unknown, logger: Logger): RpcError {
  // What fails because nobody waits any more is no fault of the inside.
  const gone = goneFrom(call);
  if (gone) return gone;
  if (thrown instanceof RpcError && !HIDDEN.has(thrown.code)) return thrown;
  const facts = { err: thrown, method: call.method.name, caller: call.caller.subject, trace: call.trace?.traceId };
  logger.error(facts, 'a call failed');
  return internal(thrown);
}

function failureOf(error: RpcError, domain: string): Failure {
  // A lone surrogate can not be written as a header.
  const message = error.message.toWellFormed();
  const metadata = new Metadata();
  metadata.set(STATUS_DETAILS_TRAILER, encodeStatus(error.code, message, withOneInfo(error, domain)));
  return { code: error.code, details: message, metadata };
}

function withOneInfo({ code, details }: RpcError, domain: string): ErrorDetail[] {
  const info =
    details.find((detail) => detail.$typeName === 'google.rpc.ErrorInfo') ??
    create(ErrorInfoSchema, { reason: codeName(code) });
  const owned = info.domain === '' ? create(ErrorInfoSchema, { ...info, domain }) : info;
  return [owned, ...details.filter((detail) => detail.$typeName !== 'google.rpc.ErrorInfo')];
}
