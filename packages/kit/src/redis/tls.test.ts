import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { createCertificate } from '@realmkeep/testkit/certificate';
import { expect, test } from 'vitest';
import { createRedis } from './cluster.ts';

test('a cluster is reached by TLS, as the user, and only where the certificate holds the name', async () => {
  const { certificate, privateKey } = await createCertificate('localhost');
  const said: string[] = [];
  const warned: unknown[] = [];
  const sockets = new Set<TLSSocket>();
  const server = createServer({ cert: certificate, key: privateKey }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('data', (data) => said.push(String(data)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connect = (host: string) =>
    createRedis({
      nodes: [`${host}:${port}`],
      username: 'keeper',
      password: 'secret',
      tls: { ca: certificate },
      logger: { info: () => undefined, warn: () => warned.push(host) },
    });

  const named = connect('localhost');
  await expect.poll(() => said.join()).toMatch(/keeper[\s\S]*secret/);
  named.disconnect();
  said.length = 0;
  const other = connect('127.0.0.1');
  await expect.poll(() => warned).toContain('127.0.0.1');
  expect(said).toEqual([]);
  other.disconnect();
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
});
