import type { Logger } from 'pino';
import { type Lookup, nameOf, type Place } from './connection.ts';

export type Places = {
  /** Resolves when the first round is over, whatever it found. */
  followed: Promise<void>;
  /** Asks now, unless it is asking or did a moment ago. */
  look(): void;
  close(): void;
};

/** Milliseconds between two rounds. */
const EVERY = 2_000;
/** The least time between two rounds when someone waits. */
const LEAST = 250;

/**
 * Asks every two seconds which addresses the hosts of the URLs stand for, and tells all of them. A host that can not be
 * looked up keeps what it had.
 */
export function followPlaces({
  urls,
  lookup,
  told,
  logger,
}: {
  urls: string[];
  lookup: Lookup;
  told: (places: Place[]) => void;
  logger: Pick<Logger, 'info' | 'warn'>;
}): Places {
  const known = new Map<string, Place[]>();
  let askedAt = 0;
  let asking = false;
  let closed = false;
  let said = '';

  async function find(url: string): Promise<void> {
    const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
    try {
      const addresses = await lookup(host);
      known.set(
        url,
        [...new Set(addresses)].sort().map((address) => ({ url, address })),
      );
    } catch (error) {
      if (!known.has(url)) logger.warn({ host, reason: String(error) }, 'a Postgres host has no address yet');
      known.set(url, known.get(url) ?? []);
    }
  }

  async function ask(): Promise<void> {
    if (asking) return;
    asking = true;
    askedAt = performance.now();
    await Promise.all(urls.map(find));
    asking = false;
    if (closed) return;
    const places = [...known.values()].flat();
    const names = places.map(nameOf).join();
    if (names !== said) logger.info({ nodes: names }, 'the Postgres nodes by their addresses');
    said = names;
    told(places);
  }

  const timer = setInterval(ask, EVERY);
  return {
    followed: ask(),
    look: () => {
      if (performance.now() - askedAt >= LEAST) void ask();
    },
    close: () => {
      closed = true;
      clearInterval(timer);
    },
  };
}
