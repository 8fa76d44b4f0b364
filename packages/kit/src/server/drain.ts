import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Server } from '@grpc/grpc-js';
import { unavailable } from '../errors/common.ts';
import type { RpcError } from '../errors/rpc-error.ts';
import type { Logger } from '../log/logger.ts';
import type { Health } from './health.ts';

/** How long a drain may take. */
export type DrainWaits = {
  /** Between NOT_SERVING and GOAWAY. */
  delayMs: number;
  /** For running calls to finish. */
  timeoutMs: number;
  /** Ends both waits. Connections that are still open then are left to the end of the process. */
  signal?: AbortSignal;
};

/**
 * Takes a server out of service without losing a call: those who balance see NOT_SERVING and turn away during
 * `delayMs`; GOAWAY then moves the rest, streams end with UNAVAILABLE so that their readers go elsewhere, and running
 * calls have `timeoutMs` to finish before their connections are cut.
 *
 * @param address what the server is bound to; undefined: it never listened
 */
export async function drainServer(
  {
    server,
    address,
    health,
    endStreams,
    logger,
  }: {
    server: Server;
    address: string | undefined;
    health: Health;
    endStreams: (reason: RpcError) => void;
    logger: Logger;
  },
  { delayMs, timeoutMs, signal = new AbortController().signal }: DrainWaits,
): Promise<void> {
  health.set(false);
  await delay(delayMs, undefined, { signal }).catch(() => undefined);

  // Without channelz the server's own forceShutdown() knows no connection to cut; drain() does.
  if (address !== undefined) server.drain(address, timeoutMs);
  const finished = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  endStreams(unavailable('the server is going away: call again', 0));

  const late = setTimeout(() => {
    logger.warn({ timeoutMs }, 'calls are cut off: they have not finished in time');
  }, timeoutMs);
  await (signal.aborted ? undefined : Promise.race([finished, once(signal, 'abort')]));
  clearTimeout(late);
}
