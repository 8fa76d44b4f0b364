import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PostgresNodes, Reader, WalPosition } from './nodes.ts';
import { portOf, sources, startTestCluster } from './test-cluster.ts';
import { walPositionStatement } from './wal-position.ts';

let cluster: Awaited<ReturnType<typeof startTestCluster>>;
let nodes: PostgresNodes;
let ports: number[];
let lastId = 0;
const nextId = () => {
  lastId += 1;
  return lastId;
};

beforeAll(async () => {
  cluster = await startTestCluster();
  ports = cluster.urls.map((url) => Number(new URL(url).port));
});
afterAll(() => cluster?.stop());
beforeEach(async () => {
  nodes = await cluster.open();
});
afterEach(() => nodes.close());

const replicas = () => new Set(ports.slice(1));
const insert = (id: number) => ({
  name: 'insert',
  text: 'insert into things values ($1) on conflict do nothing',
  values: [id],
});
const sleep = (seconds: number) => ({ name: 'sleep', text: 'select pg_sleep($1)', values: [seconds] });
const add = (node: Reader) => node.query(insert(nextId()));
const position = async (node: Reader) => (await node.query<WalPosition>(walPositionStatement)).rows[0]!;

test('reads are spread over the replicas, writes and reads of the primary go to the primary', async () => {
  expect(await sources(nodes)).toEqual(replicas());
  expect(await nodes.read(async (node) => node.source)).toBe('replica');
  expect(await nodes.read(portOf, { primary: true })).toBe(ports[0]);
  expect(await nodes.write(async (node) => [node.source, await portOf(node)])).toEqual(['primary', ports[0]]);
});

test('a read with a position comes from a replica that has replayed it, else from the primary', async () => {
  await Promise.all([cluster.sql(1, 'select pg_wal_replay_pause()'), cluster.sql(2, 'select pg_wal_replay_pause()')]);
  const written = await nodes.write(async (node) => {
    await add(node);
    return position(node);
  });
  expect(await nodes.read(portOf, { minWal: written })).toBe(ports[0]);
  await Promise.all([cluster.sql(1, 'select pg_wal_replay_resume()'), cluster.sql(2, 'select pg_wal_replay_resume()')]);
  await until(async () => (await nodes.read(portOf, { minWal: written })) !== ports[0], {
    what: 'a replica to replay',
  });
  const otherHistory = { ...written, timeline: written.timeline + 1 };
  expect(await nodes.read(portOf, { minWal: otherHistory })).toBe(ports[0]);
});

test('a read that bounds its age is never answered older, also when the replicas stop replaying', async () => {
  const maxStalenessMs = 2_500;
  const asOf = { name: 'as_of', text: 'select as_of() as at', values: [] };
  const ages = async () => {
    const asked = Date.now();
    const [source, at] = await nodes.read(
      async (node) => [node.source, (await node.query<{ at: Date }>(asOf)).rows[0]!.at] as const,
      { maxStalenessMs },
    );
    return { source, older: asked - at.getTime() };
  };
  expect((await ages()).source).toBe('replica');
  await Promise.all([cluster.sql(1, 'select pg_wal_replay_pause()'), cluster.sql(2, 'select pg_wal_replay_pause()')]);
  const seen: Awaited<ReturnType<typeof ages>>[] = [];
  await until(
    async () => {
      seen.push(await ages());
      return seen.at(-1)?.source === 'primary';
    },
    { what: 'the primary to be read', every: 1 },
  );
  await Promise.all([cluster.sql(1, 'select pg_wal_replay_resume()'), cluster.sql(2, 'select pg_wal_replay_resume()')]);
  expect(Math.max(...seen.map(({ older }) => older))).toBeLessThanOrEqual(maxStalenessMs);
  await until(async () => (await ages()).source === 'replica', { what: 'the replicas to be read again' });
  expect(await nodes.read(portOf, { maxStalenessMs: 0 })).toBe(ports[0]);
});

test('a replica that lags beyond the limit is not read until it has caught up', async () => {
  const strict = await cluster.open({ maxReplicaLagMs: 2_000 });
  await cluster.sql(1, 'select pg_wal_replay_pause()');
  await until(async () => !(await sources(strict)).has(ports[1]!), { what: 'reads to leave the late replica' });
  expect(await sources(strict)).toEqual(new Set([ports[2]]));
  await cluster.sql(2, 'select pg_wal_replay_pause()');
  await until(async () => (await strict.read(portOf)) === ports[0], { what: 'the primary to be read' });
  await Promise.all([cluster.sql(1, 'select pg_wal_replay_resume()'), cluster.sql(2, 'select pg_wal_replay_resume()')]);
  await until(async () => (await sources(strict)).size === 2, { what: 'both replicas to serve again' });
  await strict.close();
});

test('no read fails while the replicas are killed one after the other, and the primary serves when none is left', async () => {
  const faults: unknown[] = [];
  let read = 0;
  let over = false;
  const readers = Array.from({ length: 8 }, async () => {
    while (!over) {
      await nodes.read(portOf).catch((error: unknown) => faults.push(error));
      read += 1;
    }
  });
  await cluster.parts[1]!.kill();
  await until(async () => read > 200 && !(await sources(nodes)).has(ports[1]!), { what: 'the other replica to serve' });
  await cluster.parts[2]!.kill();
  await until(async () => (await nodes.read(portOf)) === ports[0], { what: 'the primary to serve' });
  over = true;
  await Promise.all(readers);
  expect(faults).toEqual([]);
  await Promise.all([cluster.parts[1]!.start(), cluster.parts[2]!.start()]);
  await until(async () => (await sources(nodes)).size === 2, { what: 'both replicas to serve again' });
  expect(await sources(nodes)).toEqual(replicas());
});

test('a read that was sent to a server which stops answering is done by another', async () => {
  const quick = await cluster.open({ measureTimeoutMs: 300, connectionWaitMs: 500 });
  const served: number[] = [];
  const reading = quick.read(async (node) => {
    served.push(await portOf(node));
    if (served.length === 1) await node.query(sleep(60));
  });
  const sleepers = `select from pg_stat_activity where state = 'active' and query like '%pg_sleep($1)'`;
  const place = await until(
    async () => {
      const begun = served[0] === undefined ? -1 : ports.indexOf(served[0]);
      return begun > 0 && (await cluster.sql(begun, sleepers)).length === 1 && begun;
    },
    { what: 'the read to begin' },
  );
  const backends = await cluster.sql(place, `select pid from pg_stat_activity where application_name like 'test%'`);
  const frozen = [cluster.parts[place]!.pid!, ...backends.map(({ pid }) => Number(pid))];
  for (const pid of frozen) process.kill(pid, 'SIGSTOP');
  try {
    await reading;
  } finally {
    for (const pid of frozen) process.kill(pid, 'SIGCONT');
  }
  expect(served).toHaveLength(2);
  expect(served[1]).not.toBe(served[0]);
  await quick.close();
});

/** Ends the backend that sleeps on the primary, as soon as there is one. */
const terminateSleeper = () =>
  until(
    async () =>
      (
        await cluster.sql(
          0,
          `select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep($1)' and state = 'active'`,
        )
      ).length === 1,
    { what: 'a write to terminate' },
  );

test('an idempotent write whose connection is ended while it runs is done again', async () => {
  const id = nextId();
  let runs = 0;
  const writing = nodes.write(
    async (primary) => {
      runs += 1;
      await primary.query(insert(id));
      if (runs === 1) await primary.query(sleep(20));
      return runs;
    },
    { idempotent: true },
  );
  await terminateSleeper();
  expect(await writing).toBe(2);
  expect(await cluster.sql(0, `select id from things where id = ${id}`)).toEqual([{ id }]);
});

test('a write that is not idempotent is not done again once it was sent: UNAVAILABLE', async () => {
  let runs = 0;
  const writing = nodes.write((primary) => {
    runs += 1;
    return primary.query(sleep(20));
  });
  const refused = expect(writing).rejects.toMatchObject({ code: 14 });
  await terminateSleeper();
  await refused;
  expect(runs).toBe(1);
  // The next write is not harmed by the connections that were thrown away.
  await nodes.write(add);
});

test('a work that breaks every connection is given up', async () => {
  let runs = 0;
  const suicide = { name: 'suicide', text: 'select pg_terminate_backend(pg_backend_pid())', values: [] };
  const reading = nodes.read((node) => {
    runs += 1;
    return node.query(suicide);
  });
  await expect(reading).rejects.toMatchObject({ code: 14 });
  expect(runs).toBe(3);
});

test('a statement that fails keeps its connection, and a transaction that fails leaves nothing', async () => {
  const pid = { name: 'pid', text: 'select pg_backend_pid() as pid', values: [] };
  const before = await nodes.write(async (node) => (await node.query(pid)).rows);
  await expect(
    nodes.write((node) => node.query({ name: 'fault', text: 'select 1 / $1::int', values: [0] })),
  ).rejects.toMatchObject({ code: '22012' });
  const id = nextId();
  const failing = nodes.write((node) =>
    node.transaction(async (client) => {
      await client.query(insert(id));
      throw new Error('changed my mind');
    }),
  );
  await expect(failing).rejects.toThrow('changed my mind');
  expect(await cluster.sql(0, `select id from things where id = ${id}`)).toEqual([]);
  expect(await nodes.write(async (node) => (await node.query(pid)).rows)).toEqual(before);
});

test('a work that waits too long for a lock is given up: UNAVAILABLE, with a delay and the server’s error as its cause', async () => {
  const id = nextId();
  const impatient = (ms: number) => (node: Reader) =>
    node.transaction(async (client) => {
      await client.query(`set local lock_timeout = ${ms}`);
      await client.query(insert(id));
    });
  const refused = {
    code: 14,
    details: [{ reason: 'UNAVAILABLE' }, { retryDelay: { seconds: 1n } }],
    cause: { code: '55P03' },
  };
  const holding = nodes.write((node) =>
    node.transaction(async (client) => {
      // Whoever adds the same row waits for what becomes of this one.
      await client.query(insert(id));
      await expect(nodes.write(impatient(50))).rejects.toMatchObject(refused);
      throw new Error('changed my mind');
    }),
  );
  await expect(holding).rejects.toThrow('changed my mind');
  expect(await cluster.sql(0, `select id from things where id = ${id}`)).toEqual([]);
  await nodes.write(impatient(10_000));
  expect(await cluster.sql(0, `select id from things where id = ${id}`)).toEqual([{ id }]);
});

test.each(['57014', '55P03', '25P04', '40P01', '40001', '53100', '53200'])(
  'a write that the server ends with %s is UNAVAILABLE, and is not done again by itself',
  async (state) => {
    let runs = 0;
    const writing = nodes.write(
      (node) => {
        runs += 1;
        const text = `do $$ begin raise exception using errcode = '${state}'; end $$`;
        return node.query({ name: `raise_${state}`, text, values: [] });
      },
      { idempotent: true },
    );
    await expect(writing).rejects.toMatchObject({ code: 14, cause: { code: state } });
    expect(runs).toBe(1);
  },
);

test('a work waits a bounded time for a busy pool: RESOURCE_EXHAUSTED', async () => {
  const small = await cluster.open({ poolSize: 1, connectionWaitMs: 200 });
  const holding = small.write((node) => node.query(sleep(1)));
  await expect(small.write(add)).rejects.toMatchObject({ code: 8 });
  await holding;
  await small.close();
});

test('no session is left on any node after close', async () => {
  const closing = await cluster.open({ name: 'closing' });
  await Promise.all(Array.from({ length: 20 }, () => closing.read(portOf)));
  const running = closing.read((node) => node.query(sleep(0.2)));
  await until(
    async () =>
      (await cluster.sql(0, `select from pg_stat_activity where application_name like 'closing%'`)).length > 0,
    { what: 'sessions' },
  );
  await Promise.all([closing.close(), running]);
  for (const node of [0, 1, 2]) {
    await until(
      async () =>
        (await cluster.sql(node, `select from pg_stat_activity where application_name like 'closing%'`)).length === 0,
      { what: 'no session' },
    );
  }
});
