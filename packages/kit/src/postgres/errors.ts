import pg from 'pg';

/** The SQLSTATE with which the server refused, looked for along the causes; undefined when it was not the server. */
export function sqlState(error: unknown): string | undefined {
  for (const cause of causes(error)) {
    if (cause instanceof pg.DatabaseError) return cause.code;
    if (typeof cause.originalCode === 'string') return cause.originalCode;
  }
  return undefined;
}

/** Whether the work met another one, in a deadlock or as one that can not be put in order with it: nothing of it was done. */
export function isConflict(error: unknown): boolean {
  return CONFLICTS.has(sqlState(error) ?? '');
}

/** Whether the server gave the work up because it, or its waiting for a lock, took too long: nothing of it was done. */
export function isTooSlow(error: unknown): boolean {
  return TOO_SLOW.has(sqlState(error) ?? '');
}

/** Whether the connection that did the work is gone or its server is going: what was sent last may have been done or not. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return state.startsWith('08') || LOST_STATES.has(state);
  for (const { code, kind, message } of causes(error)) {
    if (typeof code === 'string' && LOST_CODES.has(code)) return true;
    if (typeof kind === 'string' && LOST_KINDS.has(kind)) return true;
    if (typeof message === 'string' && LOST_MESSAGES.some((words) => message.startsWith(words))) return true;
  }
  return false;
}

/** Whether a node that was taken for the primary refused to write, because it is a replica now. */
export function isReadOnlyNode(error: unknown): boolean {
  return sqlState(error) === '25006';
}

/** Whether a replica cancelled the query because replaying went first; another node answers it. */
export function isRecoveryConflict(error: unknown): boolean {
  return sqlState(error) === '40001';
}

/** Whether the server takes no more connections for now. */
export function isServerFull(error: unknown): boolean {
  return sqlState(error) === '53300';
}

/** Whether the server had no disk, memory or other resource left for the work, but for connections: nothing of it was done. */
export function isServerShort(error: unknown): boolean {
  return sqlState(error)?.startsWith('53') === true && !isServerFull(error);
}

/** Whether every connection of the pool stayed busy for as long as a work may wait for one. */
export function isPoolBusy(error: unknown): boolean {
  return error instanceof Error && error.message === 'timeout exceeded when trying to connect';
}

/** Whether the session ended with this error, so that its connection must not be used again. */
export function isSessionOver(error: unknown): boolean {
  const severity = causes(error).find((cause) => cause instanceof pg.DatabaseError)?.severity;
  return severity === 'FATAL' || severity === 'PANIC' || isConnectionLost(error);
}

// deadlock_detected, serialization_failure.
const CONFLICTS = new Set(['40P01', '40001']);
// query_canceled (statement_timeout), lock_not_available, transaction_timeout.
const TOO_SLOW = new Set(['57014', '55P03', '25P04']);

// admin_shutdown, crash_shutdown, cannot_connect_now, and the idle session's end.
const LOST_STATES = new Set(['57P01', '57P02', '57P03', '57P05']);

const LOST_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

// What Prisma's adapter makes of the codes above.
const LOST_KINDS = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout']);

// The words of pg and pg-pool, which give these errors no code.
const LOST_MESSAGES = [
  'Connection terminated',
  'Client has encountered a connection error',
  'Client was closed and is not queryable',
  'timeout expired',
  'Query read timeout',
  // The node left the cluster after it was chosen.
  'Cannot use a pool after calling end',
];

/** What is looked at of an error or of what stands for one. */
type Cause = Partial<Record<'code' | 'kind' | 'message' | 'severity' | 'originalCode' | 'cause' | 'meta', unknown>>;

/** The error and its causes, the last one first made. Prisma has its adapter's error in `meta`, whose cause is plain data. */
function causes(error: unknown): Cause[] {
  const found: Cause[] = [];
  for (let next = error; typeof next === 'object' && next !== null; ) {
    const cause: Cause = next;
    found.push(cause);
    next = cause.cause ?? (cause.meta as { driverAdapterError?: unknown } | undefined)?.driverAdapterError;
  }
  return found;
}
