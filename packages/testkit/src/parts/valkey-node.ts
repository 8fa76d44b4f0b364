import { Redis } from 'ioredis';

/** A connection to one node, not to the cluster; it gives up at once instead of connecting again. */
export function valkeyNode(port: number, password: string): Redis {
  const client = new Redis({
    host: '127.0.0.1',
    port,
    password,
    lazyConnect: true,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
  });
  client.on('error', () => undefined);
  return client;
}
