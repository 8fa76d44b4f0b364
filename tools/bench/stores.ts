import { Redis } from 'ioredis';
import type { Stores } from '../local/stores.ts';

/** Empties every node. */
export async function flushValkey({ addresses, password }: Stores['valkey']): Promise<void> {
  for (const address of addresses) {
    const [host, port] = address.split(':') as [string, string];
    const node = new Redis({ host, port: Number(port), password });
    try {
      await node.flushall();
    } finally {
      node.disconnect();
    }
  }
}

/** The processes of every Postgres node. */
export function postgresPids({ postgres }: Stores): number[] {
  return [postgres.primary, ...postgres.replicas].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
}
