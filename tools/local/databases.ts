import { fileURLToPath } from 'node:url';
import { migrate } from '@realmkeep/kit/postgres/migrate';
import { ensureDatabase, type Role } from '@realmkeep/testkit/parts/database';
import type { PostgresCluster } from '@realmkeep/testkit/parts/postgres';
import type { ServicePlan } from './service-names.ts';

/** How to reach a service's database: as its runtime role on every node, the primary first, and as its owner. */
export type Database = { urls: string[]; ownerUrl: string };

/** Makes a service's database and roles when they are missing, and applies the migrations that it lacks. */
export async function openDatabase({
  cluster,
  service,
  secret,
}: {
  cluster: PostgresCluster;
  service: ServicePlan;
  secret: (name: string) => string;
}): Promise<Database> {
  const { database, name } = service;
  const owner: Role = { name: `${database}_owner`, password: secret(`postgres ${database} owner`) };
  const runtime: Role = { name: database, password: secret(`postgres ${database}`) };
  await ensureDatabase({ cluster, database, owner, runtime });
  const ownerUrl = cluster.primaryUrl({ user: owner.name, password: owner.password, database });
  const folder = fileURLToPath(new URL(`../../services/${name}/migrations`, import.meta.url));
  await migrate({ url: ownerUrl, folder });
  const access = { user: runtime.name, password: runtime.password, database };
  return { urls: [cluster.primaryUrl(access), ...cluster.replicaUrls(access)], ownerUrl };
}
