import type { JsonValue } from '@bufbuild/protobuf';
import type { Reader } from '@realmkeep/kit/postgres/nodes';

/** A place in the outbox: ordered by transaction, then by id. */
export type Place = { xid: bigint; id: bigint };

export type OutboxBatch = {
  /** ItemEvents in the protobuf JSON form, in order. */
  events: JsonValue[];
  /** Everything below this transaction id is final. */
  horizon: bigint;
  /** The place of the last event; undefined when there is none. */
  last: Place | undefined;
  /** Whether there may be more final events. */
  full: boolean;
  /** Events up to this place are gone. */
  trimmed: Place;
  /**
   * Every transaction that was committed by then is in the batch or before it, but for what was held back by one that
   * still runs. Of a full batch that is when its last transaction began, for later ones are still to come.
   */
  asOf: Date;
};

type BatchRow = {
  horizon: string;
  trim_xid: string;
  trim_id: string;
  as_of: Date;
  xid: string | null;
  id: string;
  event: JsonValue;
  created_at: Date;
};

/** At most `limit` events above the place, those of running transactions and of later ones left out. */
export async function readOutbox(primary: Reader, { xid, id }: Place, limit: number): Promise<OutboxBatch> {
  const { rows } = await primary.query<BatchRow>({
    name: 'outbox_batch',
    text: `with horizon as materialized (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xid)
      select h.xid as horizon, t.xid as trim_xid, t.id as trim_id, as_of() as as_of, o.*
      from horizon h cross join outbox_trim t left join lateral (
        select b.xid, b.id, b.event, b.created_at from outbox b
        where (b.xid, b.id) > ($1::bigint, $2::bigint) and b.xid < (select h.xid from horizon h)
        order by b.xid, b.id limit $3
      ) o on true
      order by o.xid, o.id`,
    values: [xid, id, limit],
  });
  const { horizon, trim_xid, trim_id, as_of } = rows[0]!;
  const events = rows.filter((row) => row.xid !== null);
  const end = events.at(-1);
  const full = events.length === limit;
  return {
    events: events.map(({ event }) => event),
    horizon: BigInt(horizon),
    last: end && { xid: BigInt(end.xid!), id: BigInt(end.id) },
    full,
    trimmed: { xid: BigInt(trim_xid), id: BigInt(trim_id) },
    asOf: full && end ? end.created_at : as_of,
  };
}

/** Deletes at most `limit` events that are older; answers how many. */
export async function trimOutbox(primary: Reader, days: number, limit: number): Promise<number> {
  const { rows } = await primary.query<{ trimmed: number }>({
    name: 'trim_outbox',
    text: 'select trim_outbox(make_interval(days => $1), $2) as trimmed',
    values: [days, limit],
  });
  return rows[0]!.trimmed;
}
