import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, TLSSocket } from 'node:tls';
import { createCertificate } from '@realmkeep/testkit/certificate';
import { expect, test } from 'vitest';
import { connectionTo, lookupHost } from './connection.ts';
import { openProbe } from './probe.ts';

/** A server that agrees to TLS as Postgres does, with a certificate for this name, and says no more. */
async function startTlsServer(name: string) {
  const { certificate, privateKey } = await createCertificate(name);
  const secureContext = createSecureContext({ cert: certificate, key: privateKey });
  const names: unknown[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    // SSLRequest comes first, and is answered in the clear.
    socket.once('data', () => {
      socket.write('S');
      const secure = new TLSSocket(socket, {
        isServer: true,
        secureContext,
        SNICallback: (asked, done) => {
          names.push(asked);
          done(null, secureContext);
        },
      });
      secure.on('error', () => undefined);
      secure.once('data', () => secure.end());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    certificate,
    names,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

test('the certificate of a node is checked against the name in its URL, whichever address is meant', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kit-tls-'));
  const server = await startTlsServer('db.test');
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, server.certificate);
  const open = (host: string) => {
    const url = `postgres://u:p@${host}:${server.port}/d?sslmode=verify-full&sslrootcert=${ca}`;
    return openProbe({ place: { url, address: '127.0.0.1' }, applicationName: 'test', timeoutMs: 5_000 });
  };
  // Past the check of its certificate the server ends the connection.
  await expect(open('db.test')).rejects.toThrow('Connection terminated unexpectedly');
  await expect(open('other.test')).rejects.toThrow(/altnames/);
  expect(server.names).toEqual(['db.test', 'other.test']);
  await server.close();
  rmSync(folder, { recursive: true });
});

test('a URL without TLS leads to the address in the clear', () => {
  const config = connectionTo({ url: 'postgres://u:p@db.test:5433/d', address: '10.1.2.3' });
  expect(config).toMatchObject({ host: '10.1.2.3', port: 5433, user: 'u', password: 'p', database: 'd' });
  expect(config.ssl).toBeFalsy();
});

test('the system knows the addresses of this machine', async () => {
  expect(await lookupHost('127.0.0.1')).toEqual(['127.0.0.1']);
  expect(await lookupHost('localhost')).toContain('127.0.0.1');
});
