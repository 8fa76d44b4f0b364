import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers GET /metrics and nothing else. */
export type MetricsServer = { readonly port: number; close(): Promise<void> };

/**
 * Listens for scrapes.
 *
 * @param port 0: any free one
 * @param answer writes the metrics
 * @throws when the port can not be had
 */
export async function serveMetrics({
  host,
  port,
  answer,
}: {
  host: string;
  port: number;
  answer: (request: IncomingMessage, response: ServerResponse) => void;
}): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.url?.split('?')[0] !== '/metrics') response.writeHead(404).end();
    else if (request.method !== 'GET') response.writeHead(405, { allow: 'GET' }).end();
    else answer(request, response);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
