import { expect, test } from 'vitest';
import { cutPage, type PageRow } from './listing.ts';

function row(index: number, name = 'Iron sword'): PageRow {
  const id = index.toString().padStart(4, '0');
  return {
    game_item_id: id,
    item_id: 'x',
    item_name: name,
    item_kind: '',
    owner_name: name,
    location_name: name,
    area_code: '1',
  };
}
const ids = (rows: PageRow[]) => rows.map(({ game_item_id }) => game_item_id);

test('two pages that share a boundary are each other’s complement, in both directions', () => {
  const all = Array.from({ length: 9 }, (_, index) => row(index));
  const there = cutPage(all.slice(0, 5), 4, undefined);
  expect(ids(there.rows)).toEqual(['0000', '0001', '0002', '0003']);
  expect(there).toMatchObject({ next: { direction: 'next', id: '0003' }, previous: undefined });

  const onward = cutPage(all.slice(4), 5, there.next);
  expect(onward).toMatchObject({ next: undefined, previous: { direction: 'previous', id: '0003' } });

  const back = cutPage(all.slice(0, 4).toReversed(), 3, onward.previous);
  expect(ids(back.rows)).toEqual(['0001', '0002', '0003']);
  expect(back).toMatchObject({
    next: { direction: 'next', id: '0003' },
    previous: { direction: 'previous', id: '0000' },
  });
});

test('a page of very long names ends before it is too large for an answer, and goes on after that', () => {
  const long = Array.from({ length: 1001 }, (_, index) => row(index, '龍'.repeat(255)));
  const { rows, next } = cutPage(long, 1000, undefined);
  expect(rows.length).toBeGreaterThan(500);
  expect(Buffer.byteLength(JSON.stringify(rows))).toBeLessThan(2_200_000);
  expect(next).toEqual({ direction: 'next', id: rows.at(-1)!.game_item_id });
  expect(rows.length).toBeLessThan(1000);
});
