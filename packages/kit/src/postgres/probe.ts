import pg from 'pg';
import { connectionTo, type Place } from './connection.ts';
import { sqlState } from './errors.ts';

/** What one look at a node found, on the node itself. */
export type Measurement = {
  /** A primary takes writes; whatever else answers counts as a replica, also a primary that was made read-only. */
  role: 'primary' | 'replica';
  /** On a replica that of the newest heartbeat it replayed; 0 when the database has no heartbeat yet. */
  timeline: number;
  /** How old its data may be, in milliseconds: the age of the newest heartbeat. 0 on a primary, infinite when unknown. */
  lagMs: number;
  /** When the look began, by `performance.now()`: the data have aged by what has passed since, at most. */
  lookedAt: number;
};

/** How old the data of the node can be at most at a moment of `performance.now()`, in milliseconds. */
export function ageOf({ lagMs, lookedAt }: Measurement, now: number): number {
  return lagMs + now - lookedAt;
}

/** A connection that measures. A look that takes longer than `timeoutMs` fails, and so does opening. */
export async function openProbe(options: {
  place: Place;
  applicationName: string;
  timeoutMs: number;
}): Promise<pg.Client> {
  const client = new pg.Client({
    ...connectionTo(options.place),
    application_name: options.applicationName,
    connectionTimeoutMillis: options.timeoutMs,
    query_timeout: options.timeoutMs,
    // A heartbeat needs no replica's acknowledgement: measuring goes on while the replicas that commits wait for are away.
    options: '-c synchronous_commit=local',
    keepAlive: true,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Closes the connection, by force when the server does not answer the goodbye. */
export async function closeProbe(client: pg.Client): Promise<void> {
  const late = setTimeout(() => client.connection.stream.destroy(), GOODBYE_TIMEOUT);
  await client.end();
  clearTimeout(late);
}

const GOODBYE_TIMEOUT = 500;

/** Measures the node, and keeps the heartbeat going when it is the primary. */
export async function measure(client: pg.Client): Promise<Measurement> {
  const lookedAt = performance.now();
  const { rows } = await client.query<{ replica: boolean }>(
    `select pg_is_in_recovery() or current_setting('default_transaction_read_only')::boolean as replica`,
  );
  if (rows[0]?.replica) return { role: 'replica', ...(await measureReplica(client)), lookedAt };
  return { role: 'primary', timeline: await beat(client), lagMs: 0, lookedAt };
}

async function measureReplica(client: pg.Client): Promise<Pick<Measurement, 'timeline' | 'lagMs'>> {
  const heartbeat = await unlessMissing(
    client.query<{ timeline: number; lag: number }>(
      `select timeline, (extract(epoch from clock_timestamp() - at) * 1000)::float8 as lag from heartbeat`,
    ),
  );
  const row = heartbeat?.rows[0];
  return {
    timeline: row?.timeline ?? 0,
    lagMs: row ? Math.max(0, row.lag) : Number.POSITIVE_INFINITY,
  };
}

/** Writes the heartbeat when no other process did in the last second, or when the timeline is new. Answers the timeline. */
async function beat(client: pg.Client): Promise<number> {
  const timeline = await client.query<{ timeline: number }>(
    `select ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int as timeline`,
  );
  const now = timeline.rows[0]?.timeline ?? 0;
  await unlessMissing(
    client.query({
      text: `update heartbeat set at = clock_timestamp(), timeline = $1
             where at < clock_timestamp() - interval '0.9 s' or timeline <> $1`,
      values: [now],
    }),
  );
  return now;
}

/** Undefined where the database is not migrated yet. */
async function unlessMissing<T>(query: Promise<T>): Promise<T | undefined> {
  try {
    return await query;
  } catch (error) {
    if (sqlState(error) === '42P01' || sqlState(error) === '42501') return undefined;
    throw error;
  }
}
