import { readFile } from 'node:fs/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import { dumpSchema } from '@realmkeep/testkit/schema-dump';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../test/database.ts';
import { Prisma, PrismaClient } from './generated/prisma/client.ts';

let database: Awaited<ReturnType<typeof openTestDatabase>>;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

test('the migrations make schema.sql', async () => {
  // To take a change over: npx vitest run services/item-location/src/schema.test.ts -u
  await expect(await dumpSchema(database.ownerUrl)).toMatchFileSnapshot('../schema.sql');
});

test('the Prisma model fits the tables, each of them', async () => {
  const prisma = new PrismaClient({ adapter: new PrismaPg(database.primary.pool) });
  const models: Record<
    Uncapitalize<Prisma.ModelName>,
    { findMany(options: { take: number }): Promise<unknown[]> }
  > = prisma;
  const found: Record<string, unknown[]> = {};
  for (const name of Object.keys(Prisma.ModelName)) {
    const model = `${name[0]!.toLowerCase()}${name.slice(1)}` as Uncapitalize<Prisma.ModelName>;
    found[name] = await models[model].findMany({ take: 1 });
  }
  expect(found.FollowPosition).toEqual([
    {
      singleton: true,
      epoch: 0n,
      step: 0n,
      sourceTransaction: null,
      sourceId: null,
      asOf: null,
      touchedPlayers: [],
      touchedLocations: [],
    },
  ]);

  const tables = (await readFile(new URL('../prisma/schema.prisma', import.meta.url), 'utf8')).matchAll(
    /@@map\("(\w+)"\)/g,
  );
  const { rows } = await database.primary.query<{ tablename: string }>({
    name: 'tables',
    text: `select tablename from pg_tables where schemaname = 'public' and tablename not in ('heartbeat', 'schema_migrations')`,
    values: [],
  });
  expect([...tables].map(([, table]) => table).sort()).toEqual(rows.map((row) => row.tablename).sort());
});
