import { setTimeout as delay } from 'node:timers/promises';
import type { Server } from '@grpc/grpc-js';
import { unavailable } from '../errors/common.ts';
import type { RpcError } from '../errors/rpc-error.ts';
import type { Logger } from '../log/logger.ts';
import type { Health } from './health.ts';

/**
 * Takes a server out of service without losing a call: those who balance see NOT_SERVING and turn away during
 * `delayMs`; GOAWAY then moves the rest, streams end with UNAVAILABLE so that their readers go elsewhere, and running
 * calls have `timeoutMs` to finish before their connections are cut. `signal` cuts both waits short.
 */
export async function drainServer({
  server,
  health,
  endStreams,
  logger,
  delayMs,
  timeoutMs,
  signal,
}: {
  server: Server;
  health: Health;
  endStreams: (reason: RpcError) => void;
  logger: Logger;
  delayMs: number;
  timeoutMs: number;
  signal?: AbortSignal;
}): Promise<void> {
  health.set(false);
  await delay(delayMs, undefined, signal ? { signal } : {}).catch(() => undefined);

  const finished = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  endStreams(unavailable('the server is going away: call again', 0));

  const timer = new AbortController();
  const stop = signal ? AbortSignal.any([timer.signal, signal]) : timer.signal;
  const late = delay(timeoutMs, 'late', { signal: stop }).catch(() => 'cut');
  if ((await Promise.race([finished, late])) !== undefined) {
    logger.warn({ timeoutMs }, 'calls were cut off: they had not finished in time');
    server.forceShutdown();
  }
  timer.abort();
}
