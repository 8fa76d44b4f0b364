import { expect } from 'vitest';
import type { Acknowledged } from '../faults/load.ts';
import type { Release } from './release.ts';

/** Asks the database of player-state in a pod, as the superuser. */
async function rows<T>(release: Release, pod: string, text: string): Promise<T[]> {
  const asked = `select coalesce(json_agg(row), '[]') from (${text}) row`;
  const psql = [
    'psql',
    '--username=postgres',
    '--dbname=player_state',
    '--no-align',
    '--tuples-only',
    '--command',
    asked,
  ];
  return JSON.parse(await release.kubectl('exec', pod, '--container=postgres', '--', ...psql));
}

/** Expects of the players' ledger and balances that each acknowledged transaction is there, once, and nothing else. */
export async function expectExactly(
  release: Release,
  pod: string,
  players: string[],
  acknowledged: readonly Acknowledged[],
): Promise<void> {
  const among = `player_id in (${players.map((player) => `'${player}'`).join(', ')})`;
  const ledger = await rows<{ id: string; entries: number }>(
    release,
    pod,
    `select transaction_id as id, count(*) as entries from transaction_entries where ${among} group by 1`,
  );
  const byId = (one: { id: string }, other: { id: string }) => (one.id < other.id ? -1 : 1);
  expect(ledger.sort(byId)).toEqual(acknowledged.map(({ id }) => ({ id, entries: 3 })).sort(byId));
  const received = Object.groupBy(acknowledged, ({ to }) => to);
  const balances = await rows<{ player_id: string; amount: number }>(
    release,
    pod,
    `select player_id, amount from balances where ${among}`,
  );
  expect(new Map(balances.map(({ player_id, amount }) => [player_id, amount]))).toEqual(
    new Map(
      players
        .filter((player) => received[player] || acknowledged.some(({ from }) => from === player))
        .map((player) => [player, received[player]?.length ?? 0]),
    ),
  );
}
