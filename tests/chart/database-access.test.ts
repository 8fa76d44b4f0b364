import { describe, expect, it } from 'vitest';
import { reviewedManifests } from './manifests.ts';

const DATABASES = ['player_state', 'item_location', 'area_stats'];
const ROLES = DATABASES.flatMap((database) => [database, `${database}_owner`]);

const { spec } = reviewedManifests('cnpg').find(({ kind }) => kind === 'Cluster')!;
const rules = (spec as { postgresql: { pg_hba: string[] } }).postgresql.pg_hba.map((rule) => rule.split(' '));

/** How the Cluster of CloudNativePG lets a role into a database over the network: by the first rule that is of both. */
function method(database: string, role: string): string {
  const names = (list: string, one: string) => list === 'all' || list.split(',').includes(one);
  const first = rules.find(
    ([type, databases = '', roles = '', address]) =>
      type === 'host' && address === 'all' && names(databases, database) && names(roles, role),
  );
  // The operator's own last rule.
  return first?.[4] ?? 'scram-sha-256';
}

describe.each(DATABASES)('the database %s of CloudNativePG', (database) => {
  it('is entered by its own two roles with their passwords, and by nobody else', () => {
    const entering = [...ROLES, 'app', 'postgres'].filter((role) => method(database, role) !== 'reject');
    expect(entering).toEqual([database, `${database}_owner`]);
    for (const role of entering) expect(method(database, role), role).toBe('scram-sha-256');
  });
});
