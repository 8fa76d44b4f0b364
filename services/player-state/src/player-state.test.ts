import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { GetPlayerStateResponseSchema } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { timestampFromMicros } from './micros.ts';
import { encodeAsOf, encodeState } from './player-state.ts';

const amount = fc.oneof(fc.bigInt(0n, 300n), fc.bigInt(0n, 2n ** 63n - 1n)).map(String);
const micros = fc.integer({ min: 0, max: 4_000_000_000_000_000 });
const row = fc.record({
  player_id: fc.uuid(),
  display_name: fc.string({ unit: 'grapheme' }),
  version: amount,
  outbox_xid: amount,
  outbox_id: amount,
  created: micros.map(String),
  updated: micros,
  balances: fc.option(fc.array(fc.tuple(fc.string(), amount))),
  items: fc.option(fc.array(fc.tuple(fc.uuid(), fc.string(), fc.string(), amount, amount, micros))),
  as_of: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4_000_000_000_000) }),
});

test('a state is encoded as the library encodes its message', () => {
  fc.assert(
    fc.property(row, (given) => {
      const state = {
        playerId: given.player_id,
        displayName: given.display_name,
        version: BigInt(given.version),
        balances: (given.balances ?? []).map(([currency, left]) => ({ currency, amount: BigInt(left) })),
        items: (given.items ?? []).map(([gameItemId, itemId, kind, quantity, version, created]) => ({
          gameItemId,
          itemId,
          kind,
          quantity: BigInt(quantity),
          version: BigInt(version),
          createTime: timestampFromMicros(created),
        })),
        createTime: timestampFromMicros(given.created),
        updateTime: timestampFromMicros(given.updated),
      };
      expect(encodeState(given)).toEqual(encoded({ state }));
      expect(encodeAsOf(given.as_of)).toEqual(encoded({ asOf: timestampFromDate(given.as_of) }));
    }),
  );
});

function encoded(init: Parameters<typeof create<typeof GetPlayerStateResponseSchema>>[1]): Uint8Array {
  return toBinary(GetPlayerStateResponseSchema, create(GetPlayerStateResponseSchema, init));
}
