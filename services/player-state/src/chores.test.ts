import type { Reader } from '@realmkeep/kit/postgres/nodes';
import { createTestDatabase } from '@realmkeep/testkit/stores';
import { expect, test, vi } from 'vitest';
import { openPool } from '../test/pool.ts';
import { startChores } from './chores.ts';
import { MIGRATIONS } from './migrations.ts';

test('answers and events are deleted when they are older than they are kept, the others stay', async () => {
  const database = await createTestDatabase({ migrations: MIGRATIONS, name: 'player_state' });
  const pool = openPool(database.primaryUrl, 2);
  const owner = openPool(database.ownerUrl, 1);
  await owner.query(`
    insert into transaction_requests (transaction_id, content_hash, answer, created_at)
      select gen_random_uuid(), '', '{}', now() - n * interval '1 day' from generate_series(25, 35) n, generate_series(1, 1000);
    insert into outbox (event, created_at)
      select '{}', now() - n * interval '1 day' from generate_series(12, 3, -1) n, generate_series(1, 1000)`);
  const primary: Reader = {
    pool,
    source: 'primary',
    query: (statement) => pool.query(statement),
    transaction: () => Promise.reject(new Error('a chore is one statement')),
  };
  const chores = startChores({
    postgres: { write: (work) => work(primary) },
    requestRetentionDays: 30,
    outboxRetentionDays: 7,
    sessionRetentionDays: 30,
    logger: { info: () => undefined, warn: () => undefined },
  });
  const left = async () => {
    const { rows } = await owner.query(`select
      (select count(*)::int from transaction_requests) as requests, (select count(*)::int from outbox) as events,
      (select t.id::int from outbox_trim t) as trimmed`);
    return rows[0];
  };
  await vi.waitFor(async () => expect(await left()).toEqual({ requests: 5000, events: 4000, trimmed: 6000 }), {
    timeout: 10_000,
  });
  await chores.stop();
  await pool.end();
  await owner.end();
  await database.drop();
});
