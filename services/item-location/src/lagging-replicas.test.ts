import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { createPageTokens } from '@realmkeep/kit/paging/page-token';
import { migrate } from '@realmkeep/kit/postgres/migrate';
import { createPostgresNodes, type PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import type { Telemetry } from '@realmkeep/kit/telemetry/telemetry';
import { openTestTelemetry } from '@realmkeep/kit/telemetry/telemetry.fixture';
import { ListItemLocationsResponseSchema } from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import { ensureDatabase } from '@realmkeep/testkit/parts/database';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { startPostgres } from '@realmkeep/testkit/parts/postgres';
import { withClient } from '@realmkeep/testkit/parts/postgres-replica';
import { postgresUser } from '@realmkeep/testkit/parts/postgres-user';
import { canEnter, ownFolder } from '@realmkeep/testkit/parts/reachable';
import { until } from '@realmkeep/testkit/parts/until';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { batch, gameItemEvent } from '../test/events.ts';
import { createUncachedService } from '../test/uncached.ts';
import { toStep } from './follow-step.ts';
import { MIGRATIONS } from './migrations.ts';
import { applyStep, beginFollowing } from './repository/following.ts';

/** How many walks, in 25s: one among all tests, more by `npm run test:faults`. */
const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 1);
const DATABASE = 'item_location';
const server = { subject: 'game-1', role: 'SERVER' } as const;
let folder: string;
let cluster: Awaited<ReturnType<typeof startPostgres>>;
let telemetry: Telemetry;
let postgres: PostgresNodes;
let service: ReturnType<typeof createUncachedService>;
let replicas: string[];
let epoch: bigint;
let number = 0n;

// A cluster of the file's own: its replicas are held back.
beforeAll(async () => {
  folder = mkdtempSync(join(canEnter(postgresUser(), tmpdir()) ? tmpdir() : ownFolder(), 'realmkeep-items-'));
  // The user that Postgres runs as must get through.
  chmodSync(folder, 0o711);
  cluster = await startPostgres({
    folder: join(folder, 'data'),
    logs: join(folder, 'logs'),
    ports: [await freePort(), await freePort(), await freePort()],
    passwords: { superuser: 'superuser', replicator: 'replicator' },
    fsync: false,
    say: () => undefined,
  });
  const [owner, runtime] = [`${DATABASE}_owner`, DATABASE].map((name) => ({ name, password: name })) as [
    { name: string; password: string },
    { name: string; password: string },
  ];
  await ensureDatabase({ cluster, database: DATABASE, owner, runtime });
  const as = (role: typeof owner) => ({ user: role.name, password: role.password, database: DATABASE });
  await migrate({ url: cluster.primaryUrl(as(owner)), folder: MIGRATIONS });
  replicas = cluster.replicaUrls({ user: 'postgres', password: 'superuser', database: DATABASE });
  telemetry = await openTestTelemetry('item-location');
  postgres = createPostgresNodes({
    name: 'test',
    urls: [cluster.primaryUrl(as(runtime)), ...cluster.replicaUrls(as(runtime))],
    // However late a replica is, it is read.
    maxReplicaLagMs: 600_000,
    measureEveryMs: 100,
    logger: { info: () => undefined, warn: () => undefined },
    meter: telemetry.meter,
  });
  await until(() => postgres.state().writable, { what: 'the primary' });
  await until(
    () =>
      postgres.read(
        async (node) =>
          node.source === 'replica' &&
          (await node.query({ name: 't', text: 'select 1 from follow_position', values: [] })).rowCount === 1,
      ),
    { what: 'a replica with the tables', within: 20_000 },
  );
  service = createUncachedService({ postgres, pageTokens: createPageTokens({ key: 'ab'.repeat(32) }) });
  ({ epoch, step: number } = await postgres.write(beginFollowing));
});
afterAll(async () => {
  await postgres?.close();
  await telemetry?.close();
  await cluster?.stop();
  rmSync(folder, { recursive: true });
});

async function follow(events: Parameters<typeof batch>[1]): Promise<void> {
  number += 1n;
  const step = toStep(batch(number, events));
  await postgres.write((primary) => applyStep(primary, { epoch, number, step }), { idempotent: true });
}

/** Holds a replica back, or has it go on. */
function hold(replica: number, held: boolean): Promise<unknown> {
  return withClient(replicas[replica]!, (client) =>
    client.query(`select pg_wal_replay_${held ? 'pause' : 'resume'}()`),
  );
}

test(
  'every row that exists from the first page to the last is returned exactly once, from replicas of different lag',
  async () => {
    const sources = new Set<string>();
    let walks = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 3, max: 15 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.tuple(fc.nat(1), fc.boolean()), { minLength: 4, maxLength: 12 }),
        async (pageSizes, holds) => {
          const [itemId, ownerId] = [`item-${randomUUID()}`, randomUUID()];
          const grant = (gameItemId: string) => gameItemEvent({ gameItemId, ownerId, itemId });
          const lasting = Array.from({ length: 40 }, (): string => randomUUID()).sort();
          await follow(lasting.map(grant));
          const stays = new Set(lasting);
          const seen: string[] = [];
          let pageToken = '';
          let turn = 0;
          do {
            const [replica, held] = holds[turn % holds.length]!;
            await hold(replica, held);
            const listing = { by: 'item', value: itemId, pageSize: pageSizes[turn % pageSizes.length]! } as const;
            const { bytes, source } = await service.listItemLocations(server, listing, pageToken);
            const page = fromBinary(ListItemLocationsResponseSchema, bytes);
            seen.push(...page.itemLocations.map((thing) => thing.gameItemId));
            sources.add(source);
            pageToken = page.nextPageToken;
            turn += 1;
            // Others come and go meanwhile.
            const other = randomUUID();
            await follow([grant(other)]);
            if (turn % 2)
              await follow([gameItemEvent({ gameItemId: other, ownerId, itemId, version: 2n, quantity: 0n })]);
          } while (pageToken);
          // A first page from before the things were there has none of them, and they need not be on a later one.
          if (seen.length === 0) return;
          walks += 1;
          expect(seen).toEqual(seen.toSorted());
          expect(new Set(seen).size).toBe(seen.length);
          expect(seen.filter((id) => stays.has(id))).toEqual(lasting);
        },
      ),
      { numRuns: 25 * ROUNDS, seed: 11 },
    );
    await Promise.all([hold(0, false), hold(1, false)]);
    expect(walks).toBeGreaterThan(3);
    expect([...sources].sort()).toEqual(['primary', 'replica']);
  },
  60_000 * ROUNDS,
);
