import { status } from '@grpc/grpc-js';
import { RpcError } from '@realmkeep/kit/errors/rpc-error';

// What says "try again", whatever its reason.
const AGAIN = new Set([status.UNAVAILABLE, status.RESOURCE_EXHAUSTED, status.DEADLINE_EXCEEDED]);

/** Makes a call until it is answered or refused, as a game server does. */
export async function forSure<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RpcError) || !AGAIN.has(error.code)) throw error;
    }
  }
}
