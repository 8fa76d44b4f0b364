import { type Cached, satisfies } from './entry.ts';

/** One look-up of one key, for everybody who asked before it began. */
export type Flight = {
  readonly key: string;
  /** The strictest of what its readers want. */
  minVersion: number;
  notBefore: number;
  begun: boolean;
  /** Whether the key was written anew after the beginning: what is found may be served, but not kept. */
  outdated: boolean;
  /** The version that this process had seen when the fetch began. */
  floor: number;
  /** Whether Redis was seen to hold nothing. */
  empty: boolean;
  /** How often it found less than this process had seen. */
  misled: number;
  /** The one that begins when this one is over. */
  next: Flight | undefined;
  readonly promise: Promise<Cached>;
  readonly resolve: (cached: Cached) => void;
  readonly reject: (error: unknown) => void;
};

export type Flights = ReturnType<typeof createFlights>;

/**
 * Has one look-up in work for each key, and those of one turn of the event loop begin together. A reader joins one that has
 * begun only if it looks for at least what the reader wants, and no write was heard of since; else it takes part in the next.
 */
export function createFlights({ begin }: { begin: (flights: Flight[]) => void }) {
  const current = new Map<string, Flight>();
  let gathered: Flight[] = [];

  function enqueue(flight: Flight): void {
    if (gathered.length === 0) setImmediate(flush);
    gathered.push(flight);
  }

  function flush(): void {
    const flights = gathered;
    gathered = [];
    for (const flight of flights) flight.begun = true;
    begin(flights);
  }

  function replaceBy(flight: Flight, next: Flight | undefined): void {
    if (next) {
      current.set(flight.key, next);
      enqueue(next);
    } else {
      current.delete(flight.key);
    }
  }

  return {
    get size() {
      return current.size;
    },

    /** Takes part in a look-up. @param shared is told when it was somebody else's */
    join(key: string, minVersion: number, notBefore: number, shared?: () => void): Promise<Cached> {
      let flight = current.get(key);
      if (flight?.begun && (flight.outdated || flight.minVersion < minVersion || flight.notBefore < notBefore)) {
        if (flight.next) shared?.();
        flight.next ??= createFlight(key);
        flight = flight.next;
      } else if (flight) {
        shared?.();
      } else {
        flight = createFlight(key);
        current.set(key, flight);
        enqueue(flight);
      }
      if (!flight.begun) {
        flight.minVersion = Math.max(flight.minVersion, minVersion);
        flight.notBefore = Math.max(flight.notBefore, notBefore);
      }
      return flight.promise;
    },

    /** Ends a look-up; the next one is spared when this answer is what it would have looked for. */
    land(flight: Flight, cached: Cached): void {
      flight.resolve(cached);
      if (flight.next && !flight.outdated && satisfies(cached, flight.next)) {
        flight.next.resolve(cached);
        current.delete(flight.key);
      } else {
        replaceBy(flight, flight.next);
      }
    },

    fail(flight: Flight, error: unknown): void {
      flight.reject(error);
      replaceBy(flight, flight.next);
    },

    /** Begins a look-up anew. */
    again(flight: Flight): void {
      flight.begun = false;
      flight.outdated = false;
      enqueue(flight);
    },

    /** The key was written anew. */
    outdate(key: string): void {
      const flight = current.get(key);
      if (flight?.begun) flight.outdated = true;
    },

    /** Any key may have been written anew. */
    outdateAll(): void {
      for (const flight of current.values()) if (flight.begun) flight.outdated = true;
    },
  };
}

function createFlight(key: string): Flight {
  const { promise, resolve, reject } = Promise.withResolvers<Cached>();
  return {
    key,
    minVersion: 0,
    notBefore: 0,
    begun: false,
    outdated: false,
    floor: 0,
    empty: false,
    misled: 0,
    next: undefined,
    promise,
    resolve,
    reject,
  };
}
