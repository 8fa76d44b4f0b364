import { Redis } from 'ioredis';
import pg from 'pg';
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

/** The ids of all players, in order. */
export async function playerIds(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ player_id: string }>('select player_id from players order by player_id');
    return rows.map((row) => row.player_id);
  } finally {
    await client.end();
  }
}
