import type pg from 'pg';
import type { Logger } from 'pino';
import type { Place } from './connection.ts';
import { closeProbe, type Measurement, measure, openProbe } from './probe.ts';

/** Measures one node again and again. */
export type Monitor = {
  /** Undefined before the first look, and from a fault or a doubt until the next look. */
  known(): Measurement | undefined;
  /** Forgets what is known and looks at once: the node broke a connection, or refused what its role should do. */
  doubt(): void;
  /** Looks at once, unless it is looking. */
  look(): void;
  /** Resolves when the first look is over, whatever it saw. */
  looked: Promise<void>;
  close(): Promise<void>;
};

export type MonitorOptions = {
  name: string;
  place: Place;
  applicationName: string;
  /** Milliseconds between two looks. */
  every: number;
  /** Milliseconds that one step of a look may take. */
  timeoutMs: number;
  /** Called when what is known may have changed. */
  changed: () => void;
  /** Called when the node stopped answering without closing its connections. */
  silent: () => void;
  logger: Pick<Logger, 'info' | 'warn'>;
};

/** Milliseconds between two looks at a node that could not be measured. */
const EVERY_WHEN_AWAY = 250;
/** So many looks without an answer, one after the other, and the node counts as silent. */
const SILENT_AFTER = 2;

/** Starts to measure a node, on a connection of its own that also tells at once when the server ends. */
export function startMonitor(options: MonitorOptions): Monitor {
  const { every, changed, silent } = options;
  const tell = createTeller(options);
  let client: pg.Client | undefined;
  let known: Measurement | undefined;
  let doubts = 0;
  let unanswered = 0;
  let closed = false;
  let wake = () => {};

  function doubt(): void {
    doubts += 1;
    known = undefined;
    wake();
    changed();
  }

  async function open(): Promise<pg.Client> {
    const opened = await openProbe(options);
    opened.once('end', () => {
      if (client !== opened) return;
      client = undefined;
      doubt();
    });
    return opened;
  }

  async function drop(): Promise<void> {
    const dropped = client;
    client = undefined;
    if (dropped) await closeProbe(dropped);
  }

  async function look(): Promise<void> {
    const before = doubts;
    try {
      client ??= await open();
      const found = await measure(client);
      unanswered = 0;
      // What was seen before a doubt says nothing about it.
      if (doubts === before) known = found;
      tell(found.role);
    } catch (error) {
      known = undefined;
      tell('away', error);
      void drop();
      unanswered = isTimeout(error) ? unanswered + 1 : 0;
      if (unanswered === SILENT_AFTER) silent();
    }
    changed();
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, known ? every : EVERY_WHEN_AWAY);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function lookOn(): Promise<void> {
    while (!closed) {
      const before = doubts;
      await look();
      if (!closed && doubts === before) await pause();
    }
    await drop();
  }

  const looked = look();
  const ended = looked.then(lookOn);
  return {
    known: () => known,
    doubt,
    look: () => wake(),
    looked,
    close: () => {
      closed = true;
      wake();
      return ended;
    },
  };
}

/** Logs a node's changes: away and back, and a new role. */
function createTeller({ name, logger }: Pick<MonitorOptions, 'name' | 'logger'>) {
  let told: string | undefined;
  return (state: Measurement['role'] | 'away', error?: unknown) => {
    if (state === told) return;
    if (state === 'away') logger.warn({ node: name, reason: String(error) }, 'a Postgres node is away');
    else logger.info({ node: name, role: state }, 'a Postgres node answers');
    told = state;
  };
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && /timeout/i.test(error.message);
}
