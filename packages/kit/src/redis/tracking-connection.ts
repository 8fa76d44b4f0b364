import type { Redis } from 'ioredis';

export type TrackingConnection = {
  /** Whether it hears of every touch from now on. */
  readonly hears: boolean;
  /** Asks the server whether the connection still lives; a server that does not answer within a second ends it. */
  check(): void;
  close(): void;
};

const CHANNEL = '__redis__:invalidate';

/**
 * A connection of its own to one node, which hears of each key with the prefix that anybody sets, deletes or lets expire.
 * It does not connect again: `lost` is called once, unless it was closed.
 *
 * @param touched the keys, or undefined when the whole node was emptied
 */
export function openTrackingConnection({
  node,
  prefix,
  ready,
  touched,
  lost,
}: {
  node: Redis;
  prefix: string;
  ready: () => void;
  touched: (keys: string[] | undefined) => void;
  lost: () => void;
}): TrackingConnection {
  // The library drops the invalidations that RESP3 pushes; those of RESP2 come as messages, with a list in each.
  const connection = node.duplicate({
    protocol: 2,
    lazyConnect: true,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    commandTimeout: 1_000,
    readOnly: false,
  });
  let state: 'opening' | 'hears' | 'over' = 'opening';

  function end(): void {
    if (state === 'over') return;
    state = 'over';
    connection.disconnect();
    lost();
  }

  async function open(): Promise<void> {
    await connection.connect();
    const id = await connection.client('ID');
    await connection.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id), 'BCAST', 'PREFIX', prefix);
    await connection.subscribe(CHANNEL);
    if (state !== 'opening') return;
    state = 'hears';
    ready();
  }

  connection.on('error', () => undefined);
  connection.on('end', end);
  connection.on('messageBuffer', (_channel: Buffer, message: unknown) => {
    touched(Array.isArray(message) ? message.map(String) : undefined);
  });
  open().catch(end);

  return {
    get hears() {
      return state === 'hears';
    },
    check() {
      if (state === 'hears') connection.ping().catch(end);
    },
    close() {
      state = 'over';
      connection.disconnect();
    },
  };
}
