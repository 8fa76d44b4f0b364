import { status } from '@grpc/grpc-js';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { createClient } from '../client/client.ts';
import { answering } from './answering.fixture.ts';
import { rejection, type ServerFixture, startServerFixture } from './server.fixture.ts';

const item = { itemId: 'iron-sword' };
let fixtures: ServerFixture[] = [];
let closers: (() => void)[] = [];
afterEach(async () => {
  for (const close of closers) close();
  for (const fixture of fixtures) await fixture.close();
  fixtures = [];
  closers = [];
});

async function start(getItem: () => Promise<Uint8Array>, tokens?: ServerFixture['tokens']): Promise<ServerFixture> {
  const implementations = [answering(ItemCatalogService, { getItem })];
  const fixture = await startServerFixture(tokens ? { implementations, tokens } : { implementations });
  fixtures.push(fixture);
  return fixture;
}

test('a drain under load loses no call while another server is there', async () => {
  const answered = [0, 0];
  const answer = (which: 0 | 1) => async () => {
    answered[which]! += 1;
    await new Promise(setImmediate);
    return new Uint8Array();
  };
  const first = await start(answer(0));
  const second = await start(answer(1), first.tokens);
  const token = await first.tokens.token({ role: 'server', subject: 's' });
  const client = createClient(ItemCatalogService, {
    address: `ipv4:${first.address},${second.address}`,
    serviceTokens: { token: async () => token },
  });
  closers.push(client.close);

  let done = 0;
  const faults: unknown[] = [];
  const stop = new AbortController();
  const load = Array.from({ length: 50 }, async () => {
    while (!stop.signal.aborted && faults.length === 0) {
      await client.getItem(item).catch((fault) => faults.push(fault));
      done += 1;
    }
  });
  onTestFinished(() => stop.abort());
  await expect.poll(() => Math.min(...answered)).toBeGreaterThan(200);
  await first.server.drain({ delayMs: 20, timeoutMs: 5_000 });
  const [ofFirst, before] = [answered[0], done];
  await expect.poll(() => faults.length > 0 || done > before + 500).toBe(true);
  stop.abort();
  await Promise.all(load);

  expect(faults).toEqual([]);
  expect(answered[0]).toBe(ofFirst);
});

test('a call that runs when the drain begins is answered', async () => {
  let release: (() => void) | undefined;
  const fixture = await start(async () => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return new Uint8Array();
  });
  const token = await fixture.tokens.token({ role: 'server', subject: 's' });
  const running = fixture.client(ItemCatalogService, token).getItem(item);
  await expect.poll(() => release).toBeDefined();
  let drained = false;
  const draining = fixture.server.drain({ delayMs: 0, timeoutMs: 60_000 }).then(() => {
    drained = true;
  });
  // Nobody new gets in, while the one inside is waited for.
  const late = createClient(ItemCatalogService, {
    address: fixture.address,
    serviceTokens: { token: async () => token },
  });
  closers.push(late.close);
  expect(await rejection(late.getItem(item))).toMatchObject({ reason: 'UNAVAILABLE' });
  expect(drained).toBe(false);
  release?.();
  await running;
  await draining;
});

test('a call that does not finish is cut off after the time for it', async () => {
  let begun = false;
  const fixture = await start(() => {
    begun = true;
    return new Promise(() => undefined);
  });
  const token = await fixture.tokens.token({ role: 'server', subject: 's' });
  const running = rejection(fixture.client(ItemCatalogService, token).getItem(item, { timeoutMs: 20_000 }));
  await expect.poll(() => begun).toBe(true);
  const before = Date.now();
  await fixture.server.drain({ delayMs: 0, timeoutMs: 200 });
  expect(Date.now() - before).toBeLessThan(2_000);
  expect(fixture.logged).toMatchObject([{ level: 'warn' }]);
  // Whether it was done is unknown, so it is not said to be safe to make again.
  expect(await running).toMatchObject({ code: status.CANCELLED });
});

test('an impatient drain waits for nothing', async () => {
  const fixture = await start(async () => new Uint8Array());
  const forced = new AbortController();
  const draining = fixture.server.drain({ delayMs: 60_000, timeoutMs: 60_000, signal: forced.signal });
  forced.abort();
  await draining;
});
