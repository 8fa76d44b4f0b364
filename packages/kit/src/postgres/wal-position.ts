import type { Statement } from './statement.ts';

/** How far one node of a cluster has come: a place in the log of one history of it. */
export type WalPosition = {
  /** Grows by one with each promotion: places of two timelines can not be compared. */
  timeline: number;
  /** As Postgres writes it: "0/3A2F9C8". */
  lsn: string;
};

/** Reads the position of the node it is sent to: what a primary has written, what a replica has replayed. */
export const walPositionStatement: Statement = {
  name: 'wal_position',
  text: 'select timeline, lsn::text from wal_position()',
  values: [],
};

/** Asks a node whether it has replayed at least a position of its own timeline: one row, `reached`. */
export function walReachedStatement({ timeline, lsn }: WalPosition): Statement {
  return {
    name: 'wal_reached',
    text: 'select timeline = $1::int and lsn >= $2::pg_lsn as reached from wal_position()',
    values: [timeline, lsn],
  };
}
