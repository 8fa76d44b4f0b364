import { commitBarrier } from '@realmkeep/kit/postgres/commit-barrier';
import { sqlState } from '@realmkeep/kit/postgres/errors';
import type { PostgresNodes, Reader } from '@realmkeep/kit/postgres/nodes';
import pg from 'pg';
import type { AreaStats } from './area-stats.ts';
import type { Event } from './event.ts';
import type { Presence } from './presence.ts';

/** How far an event's time may be from the database's clock, and for how long a LOGIN counts from its receipt. */
export type TimeLimits = {
  maxLatenessSeconds: number;
  maxSkewSeconds: number;
  /** Null: for ever. */
  leaseSeconds: number | null;
};

// An area with more modes than this answers the most played of them: 1,000 names of 255 characters stay below 2 MB.
const MOST_MODES = 1_000;

// The counts are sorted by the column and not by their text, which an unqualified name would mean.
const READ_AREA = `
  with counts as (
    select multiplayer_mode, current_count from area_mode_events_agg
    where area_code = $1 and current_count > 0
    order by current_count desc, multiplayer_mode
    limit ${MOST_MODES}
  )
  select as_of() as as_of,
    array(select multiplayer_mode from counts order by current_count desc, multiplayer_mode) as modes,
    array(select counts.current_count::text from counts order by counts.current_count desc, multiplayer_mode) as counts`;

const RECORD_EVENTS = `
  select record_events(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
    make_interval(secs => $7), make_interval(secs => $8), make_interval(secs => $9)
  ) as outcomes, ${commitBarrier}`;

const RENEW_PRESENCES = `
  select renew_presences($1::text[], $2::text[], $3::text[], make_interval(secs => $4)) as renewed, ${commitBarrier}`;

export type Repository = ReturnType<typeof createRepository>;

/** The statements of area-stats. Answers rows, or throws what the database throws. */
export function createRepository({ postgres }: { postgres: Pick<PostgresNodes, 'read' | 'write'> }) {
  /** Runs a function on the primary that may run again; answers the number of rows that it changed. */
  function change(name: string, text: string, values: unknown[] = []): Promise<number> {
    return postgres.write(
      async (primary) => {
        const { rows } = await primary.query<{ changed: number }>({ name, text: `select ${text} as changed`, values });
        return rows[0]!.changed;
      },
      { idempotent: true },
    );
  }

  const ensureEventPartitions = () => change('ensure_event_partitions', 'ensure_event_partitions()');

  /** Runs a write of events; where the log has no partition for the day it is made, and the write runs again. */
  async function intoLog<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (!isPartitionMissing(error)) throw error;
      await ensureEventPartitions().catch(() => Promise.reject(error));
      return write();
    }
  }

  return {
    intoLog,

    /** The counts of an area and the kind of node that gave them; no modes when nobody plays there. */
    readArea(areaCode: string): Promise<AreaStats & { source: Reader['source'] }> {
      return postgres.read(async (node) => {
        const { rows } = await node.query<{ as_of: Date; modes: string[]; counts: string[] }>({
          name: 'read_area',
          text: READ_AREA,
          values: [areaCode],
        });
        const { as_of, modes, counts } = rows[0]!;
        return {
          source: node.source,
          asOf: as_of.getTime(),
          modes: modes.map((mode, index) => ({ mode, count: BigInt(counts[index]!) })),
        };
      });
    },

    /**
     * Records a batch in one transaction and one round trip: for each event, in the order given, the number that
     * record_events answers (outcome.ts knows them). Run again after a lost connection, the events that the lost attempt recorded are duplicates.
     */
    recordEvents(events: Event[], limits: TimeLimits): Promise<number[]> {
      const values = [
        events.map(({ eventId }) => eventId),
        events.map(({ areaCode }) => areaCode),
        events.map(({ multiplayerMode }) => multiplayerMode),
        events.map(({ userId }) => userId),
        events.map(({ eventName }) => eventName),
        events.map(({ eventTime }) => eventTime),
        limits.maxLatenessSeconds,
        limits.maxSkewSeconds,
        limits.leaseSeconds,
      ];
      return intoLog(() =>
        postgres.write(
          async (primary) => {
            const { rows } = await primary.query<{ outcomes: number[] }>({
              name: 'record_events',
              text: RECORD_EVENTS,
              values,
            });
            return rows[0]!.outcomes;
          },
          { idempotent: true },
        ),
      );
    },

    /** Moves leases on to `leaseSeconds` from now: for each presence, in the order given, whether it is there. */
    renewPresences(presences: Presence[], leaseSeconds: number): Promise<boolean[]> {
      const values = [
        presences.map(({ areaCode }) => areaCode),
        presences.map(({ multiplayerMode }) => multiplayerMode),
        presences.map(({ userId }) => userId),
        leaseSeconds,
      ];
      return postgres.write(
        async (primary) => {
          const statement = { name: 'renew_presences', text: RENEW_PRESENCES, values };
          const { rows } = await primary.query<{ renewed: boolean[] }>(statement);
          return rows[0]!.renewed;
        },
        { idempotent: true },
      );
    },

    /** Looks at most at `limit` presences whose lease may have run out; answers at how many, 0 while others do it. */
    sweepPresences: (limit: number) => change('sweep_presences', 'sweep_presences($1)', [limit]),

    /** Makes the event log's partitions of the coming days that are missing; answers how many were. */
    ensureEventPartitions,

    /** Drops the event log's partitions of the days that ended longer ago than `keepDays`; answers how many. */
    dropEventPartitions: (keepDays: number) =>
      change('drop_event_partitions', 'drop_event_partitions(make_interval(days => $1))', [keepDays]),

    /** Adds at most `limit` changes up in the totals of the areas; answers how many there were. */
    foldAreaChanges(limit: number): Promise<number> {
      return postgres.write(
        async (primary) => {
          const { rows } = await primary.query<{ folded: number }>({
            name: 'fold_area_changes',
            text: 'select fold_area_changes($1) as folded',
            values: [limit],
          });
          return rows[0]!.folded;
        },
        { idempotent: true },
      );
    },

    /**
     * Walks at most `pages` pages of the event ids on and deletes those received longer ago than `keepSeconds`; answers how
     * many pages it walked, 0 when none is due. A round over all of them is spread over `roundSeconds`.
     */
    trimEventIds: ({
      keepSeconds,
      pages,
      roundSeconds,
    }: {
      keepSeconds: number;
      pages: number;
      roundSeconds: number;
    }) =>
      change('trim_event_ids', 'trim_event_ids(make_interval(secs => $1), $2, make_interval(secs => $3))', [
        keepSeconds,
        pages,
        roundSeconds,
      ]),

    /** Deletes at most `limit` jobs that ended longer ago than `keepDays`; answers how many there were. */
    trimJobs: (keepDays: number, limit: number) =>
      change('trim_jobs', 'trim_jobs(make_interval(days => $1), $2)', [keepDays, limit]),
  };
}

/** Whether an event could not be recorded because the log has no partition for the day. */
export function isPartitionMissing(error: unknown): boolean {
  // The same state says that a check constraint failed; then the constraint is named.
  return (
    sqlState(error) === '23514' &&
    error instanceof pg.DatabaseError &&
    error.table === 'area_mode_events' &&
    error.constraint === undefined
  );
}

/** Whether the database refuses what it was given, so that the same statement with other events can succeed. */
export function isDataRefused(error: unknown): boolean {
  // Data exception, integrity constraint violation, program limit exceeded.
  return /^(22|23|54)/.test(sqlState(error) ?? '') && !isPartitionMissing(error);
}
