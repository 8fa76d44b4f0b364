import { create, toBinary } from '@bufbuild/protobuf';
import {
  NearbyItemLocationsRequestSchema,
  SearchItemLocationsRequestSchema,
} from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import { frame } from './grpc-frame.ts';
import { call, callHeaders, openSession } from './http2-call.ts';
import { countThings, listed, withItemStand } from './item-stand.ts';
import type { Row } from './row.ts';

const SERVICE = '/realmkeep.item_location.v1.ItemLocationService';
/** Searches that are hard in different ways, each with the status that it is answered with. */
const SEARCHES = [
  { name: 'nothing', query: '', status: '3' },
  { name: 'spaces', query: '   ', status: '3' },
  { name: 'a percent sign', query: '%', status: '0' },
  { name: '255 percent signs', query: '%'.repeat(255), status: '0' },
  { name: 'an emoji', query: '✨', status: '0' },
  { name: '255 characters', query: 'xq'.repeat(127).concat('z'), status: '0' },
  { name: '255 characters like every name', query: 'player '.repeat(37).slice(0, 255), status: '0' },
  { name: 'a prefix of every player', query: 'p', status: '0' },
  { name: 'a name of every player', query: 'player', status: '0' },
  { name: 'a name of one player', query: 'player 77777', status: '0' },
  { name: 'a name misspelt', query: 'plyaer 77777', status: '0' },
] as const;
/** What a service gives to looking for similar names, in milliseconds. */
const SIMILAR_MS = 300;

const searchRequest = (query: string) =>
  toBinary(SearchItemLocationsRequestSchema, create(SearchItemLocationsRequestSchema, { query, pageSize: 100 }));

export const itemSearch: Row = {
  name: 'item-search',
  about: 'the slowest of searches that are hard in different ways, beside what looking for similar names may take',
  run: ({ stand, players, short, say }) =>
    withItemStand(stand, listed({ players }), async (items) => {
      const slowest = new Map<string, number>();
      const time = async (name: string, path: string, message: Uint8Array, status: string, address: string) => {
        const session = await openSession(address);
        const begin = performance.now();
        const answer = await call(session, callHeaders({ path, token: stand.token }), frame(message));
        const ms = performance.now() - begin;
        session.close();
        if (answer.status !== status) throw new Error(`searching for ${name} has the status ${answer.status}`);
        slowest.set(name, Math.max(ms, slowest.get(name) ?? 0));
      };
      for (let round = 0; round < (short ? 1 : 3); round += 1) {
        // Without what was found before.
        const { address } = await items.empty();
        // The first call of a process loads code.
        await time('nothing yet', `${SERVICE}/SearchItemLocations`, searchRequest('zz'), '0', address);
        for (const { name, query, status } of SEARCHES) {
          await time(name, `${SERVICE}/SearchItemLocations`, searchRequest(query), status, address);
        }
        const nearby = create(NearbyItemLocationsRequestSchema, { areaCode: '111', x: 500, z: 500, pageSize: 100 });
        const message = toBinary(NearbyItemLocationsRequestSchema, nearby);
        await time('the nearest 100', `${SERVICE}/NearbyItemLocations`, message, '0', address);
      }
      slowest.delete('nothing yet');
      const [worst] = [...slowest].toSorted(([, a], [, b]) => b - a) as [[string, number]];
      const things = await countThings(stand.realm.databases['item-location'].ownerUrl);
      say(`the slowest: ${worst[0]}, ${worst[1].toFixed(0)} ms`);
      return {
        row: 'item-search',
        unit: 'ms',
        ours: { name: `searching for ${worst[0]}`, value: worst[1] },
        reference: { name: 'the bound on looking for similar names', value: SIMILAR_MS },
        ratio: worst[1] / SIMILAR_MS,
        facts: [
          `${things.toLocaleString('en')} things of ${listed({ players }).toLocaleString('en')} players, 100 things an answer, no cache`,
          [...slowest].map(([name, ms]) => `${name} ${ms.toFixed(0)} ms`).join(', '),
        ],
        figures: [],
      };
    }),
};
