import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Failure, Outlet } from './call.ts';

// How much of a stream's answers may wait in this process for a slow caller, beyond what its connection takes. Little:
// thousands of streams may be slow at once, and what waits here is soon no longer the newest.
const MOST_WAITING_BYTES = 16 * 1024;

/** The outlet of a server stream: bounded, so that a slow caller slows its handler and costs no memory. */
export function createOutflow(surface: ServerWritableStream<Buffer, Buffer>): Outlet & { end(): void } {
  let waiting = 0;
  let ended = false;
  let makeRoom: (() => void) | undefined;

  function settle(): void {
    makeRoom?.();
    makeRoom = undefined;
  }
  // A transport that is gone takes nothing more and reports nothing of what it had.
  surface.once('close', settle);

  return {
    send(bytes) {
      waiting += bytes.byteLength;
      surface.write(bytes, () => {
        waiting -= bytes.byteLength;
        if (waiting < MOST_WAITING_BYTES) settle();
      });
      if (waiting < MOST_WAITING_BYTES) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      makeRoom = resolve;
      return promise;
    },
    fail(failure: Failure) {
      ended = true;
      surface.emit('error', failure);
    },
    end() {
      if (!ended) surface.end();
      ended = true;
    },
  };
}
