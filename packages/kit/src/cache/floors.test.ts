import { until } from '@realmkeep/testkit/parts/until';
import { expect, test } from 'vitest';
import { createFloors } from './floors.ts';

test('the greatest version of a key is remembered for as long as was asked, and forgotten some time after', async () => {
  const floors = createFloors({ keepMs: 90 });
  floors.raise('key', 2);
  floors.raise('key', 1);
  const start = performance.now();
  let last = start;
  await until(
    () => {
      floors.raise(`other ${performance.now()}`, 1);
      if (floors.of('key') === 0) return true;
      expect(floors.of('key')).toBe(2);
      last = performance.now();
      return undefined;
    },
    { what: 'the key to be forgotten', every: 1 },
  );
  expect(performance.now() - start).toBeGreaterThanOrEqual(90);
  expect(last - start).toBeLessThan(1_000);
});

test('what is seen again is remembered anew', async () => {
  const floors = createFloors({ keepMs: 60 });
  const end = performance.now() + 250;
  await until(
    () => {
      floors.raise('key', 1);
      expect(floors.of('key')).toBe(1);
      return performance.now() > end;
    },
    { what: 'several spans', every: 2 },
  );
  expect(floors.size).toBeLessThanOrEqual(4);
});

test('no more keys are remembered than the bound, and those of late go last', () => {
  const floors = createFloors({ keepMs: 60_000, maxKeys: 1_000 });
  for (let key = 0; key < 10_000; key += 1) floors.raise(`key ${key}`, 1);
  expect(floors.size).toBeLessThanOrEqual(1_000);
  expect(floors.of('key 9999')).toBe(1);
  expect(floors.of('key 9500')).toBe(1);
  expect(floors.of('key 0')).toBe(0);
});

test('a version can be set back and forgotten', () => {
  const floors = createFloors({ keepMs: 60_000 });
  floors.raise('key', 5);
  floors.reset('key', 3);
  expect(floors.of('key')).toBe(3);
  floors.reset('key', 0);
  expect(floors.of('key')).toBe(0);
});
