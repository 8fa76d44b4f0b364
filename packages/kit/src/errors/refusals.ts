import { create } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { ErrorInfoSchema } from '@realmkeep/proto/google/rpc/error_details';
import { RpcError } from './rpc-error.ts';

/** Makes one refusal: a message for developers, and facts for programs. */
export type Refusal = (message: string, metadata?: Record<string, string>) => RpcError;

/**
 * Makes a service's table of refusals.
 *
 * @param domain the service's error domain, for example `player-state.realmkeep`
 * @param table each reason with its code
 * @returns for each reason a function that makes the error with one ErrorInfo {reason, domain, metadata}
 */
export function defineRefusals<R extends string>(
  domain: string,
  table: Record<R, keyof typeof status>,
): Record<R, Refusal> {
  const refusals = Object.entries<keyof typeof status>(table).map(([reason, code]): [string, Refusal] => [
    reason,
    (message, metadata = {}) =>
      new RpcError(status[code], message, [create(ErrorInfoSchema, { reason, domain, metadata })]),
  ]);
  return Object.fromEntries(refusals) as Record<R, Refusal>;
}
