import pg from 'pg';

/** The SQLSTATE with which the server refused, looked for along the causes; undefined when it was not the server. */
export function sqlState(error: unknown): string | undefined {
  return databaseError(error)?.code;
}

/** Whether the connection that did the work is gone or its server is going: what was sent last may have been done or not. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return state.startsWith('08') || LOST_STATES.has(state);
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (LOST_CODES.has((cause as NodeJS.ErrnoException).code ?? '')) return true;
    if (LOST_MESSAGES.some((message) => (cause as Error).message.startsWith(message))) return true;
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

/** Whether every connection of the pool stayed busy for as long as a work may wait for one. */
export function isPoolBusy(error: unknown): boolean {
  return error instanceof Error && error.message === 'timeout exceeded when trying to connect';
}

/** Whether the session ended with this error, so that its connection must not be used again. */
export function isSessionOver(error: unknown): boolean {
  const severity = databaseError(error)?.severity;
  return severity === 'FATAL' || severity === 'PANIC' || isConnectionLost(error);
}

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

function databaseError(error: unknown): pg.DatabaseError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof pg.DatabaseError) return cause;
  }
  return undefined;
}
