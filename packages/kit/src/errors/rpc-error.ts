import { status } from '@grpc/grpc-js';
import type { BadRequest, ErrorInfo, RetryInfo } from '@realmkeep/proto/google/rpc/error_details';

/** What the details of an error can be. */
export type ErrorDetail = ErrorInfo | BadRequest | RetryInfo;

/**
 * The one error that may leave a service. Whatever else a handler throws leaves as INTERNAL "internal error".
 * An ErrorInfo with an empty domain gets the domain of the service that it leaves.
 */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: status;
  readonly details: ErrorDetail[];

  constructor(code: status, message: string, details: ErrorDetail[] = [], options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }

  /** The reason to branch on, for example PLAYER_NOT_FOUND; empty when the error carries no ErrorInfo. */
  get reason(): string {
    return this.details.find((detail) => detail.$typeName === 'google.rpc.ErrorInfo')?.reason ?? '';
  }
}

/** The name of a status code, for example NOT_FOUND; UNKNOWN when there is no such code. */
export function codeName(code: number): keyof typeof status {
  return (status[code] ?? 'UNKNOWN') as keyof typeof status;
}
