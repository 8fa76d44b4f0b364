import { fromBinary } from '@bufbuild/protobuf';
import { ListItemLocationsResponseSchema } from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toItemLocation } from './item-location.ts';
import { rowsBytes } from './row-bytes.ts';

const text = fc.oneof(fc.constant(''), fc.string({ unit: 'binary', maxLength: 255 }), fc.constant('龍'.repeat(255)));
const whole = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String);
const small = fc.nat(300).map(String);
const axis = fc.oneof(
  fc.constant(0),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
);
const row = fc.record({
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
  updated_at: fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }),
});

test('rows are encoded as the generated code reads them, whatever is in them', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 5 }), (rows) => {
      const { itemLocations } = fromBinary(ListItemLocationsResponseSchema, rowsBytes(rows));
      expect(itemLocations).toEqual(rows.map(toItemLocation));
    }),
    { numRuns: 300, seed: 3 },
  );
});
