import { expect, test } from 'vitest';
import { cutPage } from './listing.ts';

type Row = { id: string; length: number };
const row = (index: number, length = 300): Row => ({ id: index.toString().padStart(4, '0'), length });
const ids = (rows: Row[]) => rows.map(({ id }) => id);
const idOf = ({ id }: Row) => id;

test('two pages that share a boundary are each other’s complement, in both directions', () => {
  const all = Array.from({ length: 9 }, (_, index) => row(index));
  const there = cutPage(all.slice(0, 5), { pageSize: 4, idOf });
  expect(ids(there.rows)).toEqual(['0000', '0001', '0002', '0003']);
  expect(there).toMatchObject({ next: { direction: 'next', id: '0003' }, previous: undefined });

  const onward = cutPage(all.slice(4), { pageSize: 5, boundary: there.next, idOf });
  expect(onward).toMatchObject({ next: undefined, previous: { direction: 'previous', id: '0003' } });

  const back = cutPage(all.slice(0, 4).toReversed(), { pageSize: 3, boundary: onward.previous, idOf });
  expect(ids(back.rows)).toEqual(['0001', '0002', '0003']);
  expect(back).toMatchObject({
    next: { direction: 'next', id: '0003' },
    previous: { direction: 'previous', id: '0000' },
  });
});

test('a page of very long names ends before it is too large for an answer, and goes on after that', () => {
  const long = Array.from({ length: 1001 }, (_, index) => row(index, 3_000));
  const { rows, next } = cutPage(long, { pageSize: 1000, idOf });
  expect(rows.length).toBe(666);
  expect(next).toEqual({ direction: 'next', id: '0665' });
});
