import { expect, test } from 'vitest';
import { chooseForRead, choosePrimary, newestTimeline } from './choice.ts';
import type { Measurement } from './probe.ts';

const NOW = 10_000;
const primary = (timeline = 1): Measurement => ({ role: 'primary', timeline, lagMs: 0, lookedAt: NOW });
const replica = (lagMs = 0, timeline = 1, lookedAt = NOW): Measurement => ({
  role: 'replica',
  timeline,
  lagMs,
  lookedAt,
});
const node = (name: string, known: Measurement | undefined, busy = 0) => ({ name, known, busy });
const read = (nodes: ReturnType<typeof node>[], newest = 1, turn = 0, maxStalenessMs?: number) =>
  chooseForRead(nodes, { maxLagMs: 5_000, maxStalenessMs, newest, turn, now: NOW })?.name;

test('a read goes to the least busy replica, in turns among equals, and to the primary when none is fit', () => {
  const p = node('p', primary());
  expect(read([p, node('a', replica(), 2), node('b', replica(), 1)])).toBe('b');
  const equals = [p, node('a', replica()), node('b', replica())];
  expect(new Set([0, 1, 2].map((turn) => read(equals, 1, turn)))).toEqual(new Set(['a', 'b']));
  expect(read([p, node('a', replica(5_001)), node('b', undefined)])).toBe('p');
  expect(read([p, node('a', replica(Number.POSITIVE_INFINITY))])).toBe('p');
});

test('a replica of an older history is not read while the new primary is there', () => {
  expect(read([node('p', primary(2)), node('a', replica(0, 1))], 2)).toBe('p');
  expect(read([node('a', replica(0, 1))], 2)).toBe('a');
});

test('without a primary the replica that has come farthest is read, however late it looks', () => {
  expect(read([node('a', replica(60_000)), node('b', replica(50_000)), node('c', replica(1, 0))])).toBe('b');
  expect(read([node('a', replica(Number.POSITIVE_INFINITY)), node('b', undefined)])).toBeUndefined();
});

test('a read that bounds its age goes to a replica that is proven young enough, else to the primary, else nowhere', () => {
  const p = node('p', primary());
  const measuredLongAgo = node('a', replica(100, 1, NOW - 2_000));
  const young = node('b', replica(100, 1, NOW - 500), 7);
  expect(read([p, measuredLongAgo, young], 1, 0, 1_000)).toBe('b');
  expect(read([p, measuredLongAgo, young], 1, 0, 3_000)).toBe('a');
  expect(read([p, measuredLongAgo, young], 1, 0, 0)).toBe('p');
  expect(read([measuredLongAgo, young], 1, 0, 500)).toBeUndefined();
});

test('of two nodes that take themselves for the primary the one on the newest timeline is it, also once it is away', () => {
  const nodes = [node('old', primary(1)), node('new', primary(2))];
  const newest = newestTimeline(nodes, 0);
  expect(newest).toBe(2);
  expect(choosePrimary(nodes, newest)?.name).toBe('new');
  const rest = [node('old', primary(1)), node('new', undefined)];
  expect(choosePrimary(rest, newestTimeline(rest, newest))).toBeUndefined();
});
