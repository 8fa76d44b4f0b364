import { create, toBinary } from '@bufbuild/protobuf';
import { UpdateLocationRequestSchema } from '@realmkeep/proto/realmkeep/item_location/v1/location_service';
import { until } from '@realmkeep/testkit/parts/until';
import pg from 'pg';
import { shuffle } from './draws.ts';
import { inTurns } from './figures.ts';
import { frame } from './grpc-frame.ts';
import { call, callHeaders, openSession } from './http2-call.ts';
import { countThings, LIST, listed, listRequest, withItemStand } from './item-stand.ts';
import { ownLoad } from './load.ts';
import type { OpenLoadOrder, OpenLoadReport } from './open-load-process.ts';
import { packRequests } from './requests.ts';
import type { Row } from './row.ts';
import { startWorker } from './worker.ts';

const UPDATE = '/realmkeep.item_location.v1.LocationService/UpdateLocation';
/** Where the things are that are renamed. */
const PLACE = '00000000-0000-4000-8000-0000000000ff';
const THINGS = 100_000;
/** The rate of the listings beside it, as a share of what the service answers in a closed loop. */
const SHARE = 0.5;
/** Seconds of load at a time, until the rename is done. */
const PIECE = 3;
const LONGEST_MS = 10 * 60 * 1_000;

export const itemRename: Row = {
  name: 'item-rename',
  about: 'p99 of ListItemLocations while a location of 100,000 things is renamed, beside the same before',
  run: (bench) =>
    withItemStand(bench.stand, listed(bench), async (items) => {
      const { stand, pace, short, say } = bench;
      const client = new pg.Client({ connectionString: stand.realm.databases['item-location'].ownerUrl });
      await client.connect();
      try {
        const things = await gather(client, short ? THINGS / 20 : THINGS);
        const { address, pid } = await items.empty();
        const token = await stand.realm.token({ role: 'admin', subject: 'bench' });
        const rename = async (name: string) => {
          const message = create(UpdateLocationRequestSchema, { locationId: PLACE, name });
          const session = await openSession(address);
          const headers = callHeaders({ path: UPDATE, token });
          const { status } = await call(session, headers, frame(toBinary(UpdateLocationRequestSchema, message)));
          session.close();
          if (status !== '0') throw new Error(`the location is not renamed: status ${status}`);
          const begin = performance.now();
          await until(() => isRenamed(client, name), { what: 'the rename', within: LONGEST_MS, every: 50 });
          return (performance.now() - begin) / 1_000;
        };
        const alone = await rename('Alone');
        say(`${things} things in ${alone.toFixed(1)} s with nothing beside`);

        const requests = packRequests(shuffle(items.playerIds, 7).map(listRequest));
        const target = { address, pid, path: LIST, token: stand.token, requests, draw: 'zipf' as const };
        const [closed] = await inTurns({
          targets: [{ ...target, name: 'ListItemLocations' }],
          pace: { ...pace, rounds: 1 },
          load: () => ownLoad,
          say,
        });
        const order: OpenLoadOrder = {
          ...target,
          connections: pace.connections,
          perSecond: closed!.perSecond * SHARE,
          seconds: PIECE,
          seed: 1,
        };
        const piece = async () => (await startWorker<OpenLoadReport>('open-load-process.ts', order)).answer;
        const before = [await piece(), await piece(), await piece()];
        let renamed = false;
        const renaming = rename('Beside listings').finally(() => {
          renamed = true;
        });
        // What goes wrong is heard when it is waited for.
        renaming.catch(() => undefined);
        const during: OpenLoadReport[] = [];
        do during.push(await piece());
        while (!renamed);
        const seconds = await renaming;
        const [ours, reference] = [worst(during), worst(before)];
        return {
          row: 'item-rename',
          unit: 'p99 ms',
          ours: { name: 'listings during a rename', value: ours.p99Ms },
          reference: { name: 'listings before it', value: reference.p99Ms },
          ratio: ours.p99Ms / reference.p99Ms,
          facts: [
            `${things.toLocaleString('en')} things of ${(await countThings(stand.realm.databases['item-location'].ownerUrl)).toLocaleString('en')} renamed in ${alone.toFixed(1)} s with nothing beside, in ${seconds.toFixed(1)} s beside ${order.perSecond.toFixed(0)} listings/s (half of the closed loop’s)`,
            `p50 ${ours.p50Ms.toFixed(1)} ms beside ${reference.p50Ms.toFixed(1)} ms; the worst of ${during.length} pieces of ${PIECE} s beside that of ${before.length}; refused ${ours.refused} beside ${reference.refused}`,
          ],
          figures: [closed!],
        };
      } finally {
        await client.end();
      }
    }),
};

/** Puts so many things of all players at a place of its own, as far as there are as many. Answers how many. */
async function gather(client: pg.Client, count: number): Promise<number> {
  await client.query('set enable_seqscan = on; set transaction_timeout = 0; set statement_timeout = 0');
  await client.query(
    `insert into locations (location_id, name, area_code) values ('${PLACE}', 'Market', '111') on conflict do nothing`,
  );
  const { rowCount } = await client.query(
    `update game_item_locations g set location_id = l.location_id, location_name = l.name, area_code = l.area_code,
       location_version = l.version
     from locations l, (
       select game_item_id from game_item_locations where not consumed order by md5(game_item_id::text) limit $1
     ) as picked
     where l.location_id = '${PLACE}' and g.game_item_id = picked.game_item_id`,
    [count],
  );
  await client.query('vacuum analyze game_item_locations');
  return rowCount ?? 0;
}

async function isRenamed(client: pg.Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ old: boolean }>(
    `select exists (select from renames where noun = 'location' and id = '${PLACE}')
       or exists (select from game_item_locations where location_id = '${PLACE}' and not consumed and location_name <> $1
         order by game_item_id limit 1) as old`,
    [name],
  );
  return !rows[0]!.old;
}

/** The greatest of each, and all that were refused. */
function worst(reports: OpenLoadReport[]): Pick<OpenLoadReport, 'p50Ms' | 'p99Ms' | 'refused'> {
  return {
    p50Ms: Math.max(...reports.map(({ p50Ms }) => p50Ms)),
    p99Ms: Math.max(...reports.map(({ p99Ms }) => p99Ms)),
    refused: reports.reduce((sum, { refused }) => sum + refused, 0),
  };
}
