import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startHousekeeping } from './housekeeping.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const logger = { error: vi.fn() };

test('a chore runs at once and again after its time, and a minute later when it failed', async () => {
  let runs = 0;
  const run = async () => {
    runs += 1;
    if (runs === 2) throw new Error('no primary');
  };
  const { stop } = startHousekeeping({ chores: [{ name: 'sweep', everyMs: 3_600_000, run }], logger });
  expect(runs).toBe(1);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(runs).toBe(2);
  expect(logger.error).toHaveBeenCalledWith(expect.objectContaining({ chore: 'sweep' }), expect.any(String));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(runs).toBe(3);
  await vi.advanceTimersByTimeAsync(3_599_999);
  expect(runs).toBe(3);
  await stop();
  expect(vi.getTimerCount()).toBe(0);
});

test('stopping waits for the chore that runs and begins none any more', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const run = vi.fn(() => promise);
  const { stop } = startHousekeeping({ chores: [{ name: 'sweep', everyMs: 1, run }], logger });
  let stopped = false;
  const stopping = stop().then(() => {
    stopped = true;
  });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(stopped).toBe(false);
  resolve();
  await stopping;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(run).toHaveBeenCalledTimes(1);
});
