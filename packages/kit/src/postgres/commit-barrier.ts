/**
 * An expression of SQL that makes its transaction wait, when it commits, for all that this primary committed before, as
 * a write of its own would: until as many standbys have it as the cluster asks for. An answer that repeats an earlier
 * commit needs it. That commit's own wait may have ended with its connection or its server, and a transaction that
 * writes nothing waits for nobody. Use it on the primary alone.
 */
export const commitBarrier = `pg_logical_emit_message(true, 'barrier', '')`;
