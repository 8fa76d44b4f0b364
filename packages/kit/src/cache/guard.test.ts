import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createCounts } from './counts.ts';
import { AWAY, createGuard } from './guard.ts';

const fails = () => Promise.reject(new Error('connection lost'));

function stall(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('what takes too long or fails is away, and never an error', async () => {
  const counts = createCounts();
  const guard = createGuard({ waitMs: 20, counts });
  const start = performance.now();
  expect(await guard('node', () => new Promise(() => undefined))).toBe(AWAY);
  expect(performance.now() - start).toBeLessThan(1_000);
  expect(await guard('node', fails)).toBe(AWAY);
  expect(await guard('node', async () => 'done')).toBe('done');
  expect(counts.l2Errors).toBe(2);
});

test('an answer that came while the process itself was late counts', async () => {
  const guard = createGuard({ waitMs: 20, counts: createCounts() });
  const answer = guard('node', () => delay(30, 'done'));
  stall(100);
  expect(await answer).toBe('done');
});

test('a node that failed three times in a row is left alone, and one caller a second tries it; others go on', async () => {
  const counts = createCounts();
  const guard = createGuard({ waitMs: 1_000, counts });
  for (let time = 0; time < 3; time += 1) await guard('node', fails);
  expect(await guard('node', async () => 'done')).toBe(AWAY);
  expect(await guard('other', async () => 'done')).toBe('done');
  expect(counts.l2Skipped).toBe(1);
  stall(1_010);
  const outcomes = await Promise.all([guard('node', async () => 'done'), guard('node', async () => 'done')]);
  expect(outcomes).toEqual(['done', AWAY]);
  expect(await guard('node', async () => 'done')).toBe('done');
});

test('failures of one moment count once, and a full server is no failure', async () => {
  const guard = createGuard({ waitMs: 1_000, counts: createCounts() });
  const full = () => Promise.reject(new Error('OOM command not allowed'));
  await Promise.all(Array.from({ length: 10 }, () => guard('node', () => delay(5).then(fails))));
  for (let time = 0; time < 10; time += 1) await guard('full', full);
  expect(await guard('node', async () => 'done')).toBe('done');
  expect(await guard('full', async () => 'done')).toBe('done');
});
