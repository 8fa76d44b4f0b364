import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pages } from './pages.ts';

export type Server = {
  readonly port: number;
  /** Says 503 at `/healthz`, waits `delayMs`, takes no more connections and gives running requests `timeoutMs`. */
  drain(waits: { delayMs: number; timeoutMs: number; signal: AbortSignal | undefined }): Promise<void>;
};

/**
 * Serves the pages, and `/healthz` for those who balance.
 *
 * @param port 0: any free one
 * @throws when the port can not be had
 */
export async function listen({ host, port, pages }: { host: string; port: number; pages: Pages }): Promise<Server> {
  let serving = true;
  const server = createServer((request, response) => {
    // Connections that are kept alive would outlive the drain.
    if (!serving) response.setHeader('connection', 'close');
    if (request.method !== 'GET' && request.method !== 'HEAD') response.writeHead(405, { allow: 'GET, HEAD' }).end();
    else if (request.url === '/healthz') response.writeHead(serving ? 200 : 503).end();
    else pages(request, response);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async drain({ delayMs, timeoutMs, signal = new AbortController().signal }) {
      serving = false;
      await delay(delayMs, undefined, { signal }).catch(() => undefined);
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const late = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      if (late.aborted) server.closeAllConnections();
      else late.addEventListener('abort', () => server.closeAllConnections(), { once: true });
      await closed;
    },
  };
}
