import { fromBinary } from '@bufbuild/protobuf';
import { ListItemLocationsResponseSchema } from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../test/database.ts';
import { type ItemLocationRow, toItemLocation } from './item-location.ts';
import { encodeRecords, gameItemIdOf } from './record-bytes.ts';
import { COLUMNS, recordsOf } from './row-columns.ts';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

// Postgres has no text with a zero byte in it.
const written = fc.string({ unit: 'binary', maxLength: 255 }).map((value) => value.replaceAll('\0', ''));
const text = fc.oneof(fc.constant(''), fc.string({ maxLength: 60 }), written, fc.constant('𐍈'.repeat(255)));
const whole = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String);
const small = fc.nat(300).map(String);
// Without -0, which the driver writes as 0.
const axis = fc.oneof(
  fc.constantFrom(0, 1),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
);
const row: fc.Arbitrary<ItemLocationRow & { updated_at: Date }> = fc.record({
  game_item_id: fc.uuid(),
  item_id: text,
  item_name: text,
  item_kind: text,
  quantity: fc.oneof(small, whole),
  owner_id: fc.uuid(),
  owner_name: text,
  location_id: fc.oneof(fc.constant(null), fc.uuid()),
  location_name: text,
  area_code: text,
  x: axis,
  y: axis,
  z: axis,
  version: fc.oneof(small, whole),
  source_version: fc.oneof(small, whole),
  updated_at: fc.date({ min: new Date(1), max: new Date('9999-12-31'), noInvalidDate: true }),
});

/** What Postgres sends of the rows. */
async function recordsFrom(rows: ItemLocationRow[]): Promise<Buffer> {
  const names = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];
  const arrays = Object.values(COLUMNS).map((type, index) => `$${index + 1}::${type}[]`);
  const query = `select ${names.join(', ')} from unnest(${arrays}) with ordinality as r (${names}, place) order by place`;
  const found = await database.primary.pool.query<{ records: Buffer | null }>(
    `select ${recordsOf(query)} as records`,
    names.map((name) => rows.map((each) => each[name])),
  );
  return found.rows[0]!.records ?? Buffer.alloc(0);
}

test('records are encoded as the generated code reads them, whatever is in them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 8 }), async (rows) => {
      const encoded = encodeRecords(await recordsFrom(rows));
      expect(encoded.map(gameItemIdOf)).toEqual(rows.map((each) => each.game_item_id));
      const { itemLocations } = fromBinary(ListItemLocationsResponseSchema, Buffer.concat(encoded));
      expect(itemLocations).toEqual(rows.map(toItemLocation));
    }),
    { numRuns: 200, seed: 3 },
  );
});

test('a time is told in whole milliseconds, as by the answers that are not made of records', async () => {
  const { rows } = await database.primary.pool.query<{ updated_at: Date }>(
    "select '2026-11-22 20:00:00.999999Z'::timestamptz as updated_at",
  );
  const [one] = fc.sample(row, { numRuns: 1, seed: 1 });
  const records = await recordsFrom([{ ...one!, updated_at: '2026-11-22 20:00:00.999999Z' }]);
  const { itemLocations } = fromBinary(ListItemLocationsResponseSchema, Buffer.concat(encodeRecords(records)));
  expect(itemLocations).toEqual([toItemLocation({ ...one!, ...rows[0]! })]);
});
