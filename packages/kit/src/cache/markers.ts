import type { Cluster } from 'ioredis';
import type { Logger } from 'pino';
import { trackKeys } from '../redis/tracking.ts';
import { markerPrefix, parseMarker } from './keys.ts';

export type MarkerListener = {
  /** The key was written anew, by whomever. */
  touched(key: string): void;
  /** Any key may have been written anew. */
  missed(): void;
};

/** What a process hears of writes that other processes announce, for every noun of one service. */
export type Markers = {
  /** Whether nothing is missed at present. */
  readonly complete: boolean;
  /** @returns ends the listening */
  listen(noun: string, listener: MarkerListener): () => void;
  close(): void;
};

/** Follows the markers of a service; one for all its caches is enough. */
export function followMarkers({
  name,
  redis,
  logger,
}: {
  name: string;
  redis: Cluster;
  logger: Pick<Logger, 'info' | 'warn'>;
}): Markers {
  const listeners = new Map<string, Set<MarkerListener>>();
  const tracking = trackKeys({
    redis,
    prefix: markerPrefix(name),
    touched: (marker) => {
      const parsed = parseMarker(name, marker);
      if (parsed) for (const listener of listeners.get(parsed.noun) ?? []) listener.touched(parsed.id);
    },
    missed: () => {
      for (const ofNoun of listeners.values()) for (const listener of ofNoun) listener.missed();
    },
    logger,
  });
  return {
    get complete() {
      return tracking.complete;
    },
    listen(noun, listener) {
      const ofNoun = listeners.get(noun) ?? new Set();
      listeners.set(noun, ofNoun.add(listener));
      return () => void ofNoun.delete(listener);
    },
    close: () => tracking.close(),
  };
}
