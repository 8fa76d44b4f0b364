import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createKeys, signToken, type TestTokens } from '@realmkeep/testkit/tokens';
import { type JSONWebKeySet, jwtVerify } from 'jose';
import { JWKSNoMatchingKey } from 'jose/errors';
import { afterEach, expect, test, vi } from 'vitest';
import { openRemoteKeySet } from './remote-key-set.ts';

let server: Server | undefined;
afterEach(async () => {
  vi.useRealTimers();
  server?.closeAllConnections();
  if (server?.listening) await once(server.close(), 'close');
});

/** A provider that shows what `keys` holds, or breaks the connection when that is undefined. */
async function startProvider(provider: { keys: JSONWebKeySet | undefined; asked: number }): Promise<string> {
  server = createServer((_request, response) => {
    provider.asked += 1;
    if (provider.keys) response.setHeader('connection', 'close').end(JSON.stringify(provider.keys));
    else response.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
}

const logger = { error: () => undefined };
const claims: Parameters<TestTokens['token']>[0] = { role: 'player', subject: 'p1' };

test('keys come from the provider, new ones when a token names them, and stay while it is away', async () => {
  const [first, second, third] = [await createKeys('first'), await createKeys('second'), await createKeys('third')];
  const provider: { keys: JSONWebKeySet | undefined; asked: number } = { keys: first.jwks, asked: 0 };
  let changes = 0;
  const onChange = () => {
    changes += 1;
  };
  const keys = openRemoteKeySet({ uri: await startProvider(provider), logger, onChange });
  const verify = async ({ privateKey }: typeof first) => jwtVerify(await signToken(privateKey, claims), keys.get);

  await verify(first);
  expect([provider.asked, changes]).toEqual([1, 1]);
  await expect(verify(second)).rejects.toBeInstanceOf(JWKSNoMatchingKey);
  expect(provider.asked).toBe(1);

  // The keys are rotated; at most every five seconds an unknown key is asked for.
  provider.keys = { keys: [...first.jwks.keys, ...second.jwks.keys] };
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: Date.now() + 6_000 });
  await verify(second);
  expect([provider.asked, changes]).toEqual([2, 2]);

  provider.keys = undefined;
  vi.setSystemTime(Date.now() + 6_000);
  await expect(verify(third)).rejects.toMatchObject({ code: 14 });
  await expect(verify(third)).rejects.toMatchObject({ code: 14 });
  expect(provider.asked).toBe(3);
  await verify(first);
  await verify(second);
  keys.close();
});
