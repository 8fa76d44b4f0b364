import { create } from '@bufbuild/protobuf';
import { type ServiceError, status } from '@grpc/grpc-js';
import { ErrorInfoSchema } from '@realmkeep/proto/google/rpc/error_details';
import { cancelled, internal, unavailable } from '../errors/common.ts';
import { codeName, RpcError } from '../errors/rpc-error.ts';
import { decodeDetails, STATUS_DETAILS_TRAILER } from '../errors/status-details.ts';

const RETRY_AFTER_MS = 200;

/**
 * Makes an RpcError of what a call failed with.
 *
 * A fault of the transport has no details, and a text that names addresses of the inside: it becomes a plain one that
 * may be passed on to a caller, with the transport's own as its cause.
 */
export function toRpcError(fault: unknown, service: string): RpcError {
  if (fault instanceof RpcError) return fault;
  if (!isServiceError(fault)) return internal(fault);
  const [bytes] = fault.metadata?.get(STATUS_DETAILS_TRAILER) ?? [];
  const details = bytes instanceof Uint8Array ? decodeDetails(bytes) : [];
  if (details.length > 0) return new RpcError(fault.code, fault.details, details, { cause: fault });
  if (fault.code === status.UNAVAILABLE) {
    const { code, message, details: retry } = unavailable(`${service} can not be reached`, RETRY_AFTER_MS);
    return new RpcError(code, message, retry, { cause: fault });
  }
  const reason = codeName(fault.code);
  const info = create(ErrorInfoSchema, { reason });
  return new RpcError(fault.code, `${service} answered ${reason}`, [info], { cause: fault });
}

/** The error of a call that one of these signals ended; undefined: none did. */
export function endedBy(signals: AbortSignal[]): RpcError | undefined {
  const ended = signals.find(({ aborted }) => aborted);
  if (!ended) return undefined;
  return ended.reason instanceof RpcError ? ended.reason : cancelled();
}

function isServiceError(fault: unknown): fault is ServiceError {
  return fault instanceof Error && 'code' in fault && typeof fault.code === 'number';
}
