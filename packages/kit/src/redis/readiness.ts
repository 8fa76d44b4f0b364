import type { Cluster } from 'ioredis';

/** Whether the client knows the cluster, and at least one master is not known to be away. */
export function isReady(redis: Cluster): boolean {
  return redis.status === 'ready' && redis.nodes('master').some(({ status }) => USABLE.has(status));
}

// A node that was not needed yet waits with its connection.
const USABLE = new Set(['wait', 'ready']);

/** Waits until the cluster is reached, for at most `ms` milliseconds; answers whether it is. */
export function whenReady(redis: Cluster, ms: number): Promise<boolean> {
  if (isReady(redis)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const end = (ready: boolean) => {
      clearTimeout(timer);
      redis.off('ready', onReady);
      resolve(ready);
    };
    const onReady = () => end(true);
    const timer = setTimeout(end, ms, false);
    redis.once('ready', onReady);
  });
}
