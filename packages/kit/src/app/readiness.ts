import type { Logger } from '../log/logger.ts';
import type { PostgresNodes } from '../postgres/nodes.ts';

/** Milliseconds between two looks. */
const LOOK_EVERY = 500;
/** How long no node must be readable before the process says that it can answer nothing, in milliseconds. */
const PATIENCE = 5_000;

/**
 * Says NOT_SERVING once no Postgres node could be read for `patienceMs` (default 5 s), and SERVING again as soon as one
 * can. A lost primary, replica or Redis changes nothing: what is left answers.
 *
 * @returns ends the looking; what was said last stays
 */
export function followReadiness({
  postgres,
  setServing,
  patienceMs = PATIENCE,
  logger,
}: {
  postgres: Pick<PostgresNodes, 'state'>;
  setServing: (serving: boolean) => void;
  patienceMs?: number;
  logger: Pick<Logger, 'info' | 'warn'>;
}): () => void {
  let readableAt = performance.now();
  let serving = true;

  function look(): void {
    const { readable } = postgres.state();
    const now = performance.now();
    if (readable) readableAt = now;
    const able = now - readableAt < patienceMs;
    if (able === serving) return;
    serving = able;
    setServing(able);
    if (able) logger.info('a Postgres node can be read again: serving');
    else logger.warn('no Postgres node can be read: not serving');
  }

  const timer = setInterval(look, LOOK_EVERY).unref();
  return () => clearInterval(timer);
}
