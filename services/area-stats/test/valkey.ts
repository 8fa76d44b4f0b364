import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRedis } from '@realmkeep/kit/redis/cluster';
import { whenReady } from '@realmkeep/kit/redis/readiness';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { startValkey } from '@realmkeep/testkit/parts/valkey';
import type { Event } from '../src/event.ts';
import type { Durability } from '../src/event-queue/appends.ts';
import { createEventQueue, type EventQueue } from '../src/event-queue/queue.ts';

export const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A Valkey cluster of a test file's own: what is queued in it is consumed by nobody else, and its nodes may be killed. */
export async function openTestValkey({ masters = 1, replicas = 0, appendonly = false, maxmemory = '256mb' } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'area-stats-valkey-'));
  const port = async () => ({ client: await freePort(), bus: await freePort() });
  const cluster = await startValkey({
    folder,
    logs: join(folder, 'logs'),
    ports: await Promise.all(Array.from({ length: masters + replicas }, port)),
    masters,
    password: randomBytes(9).toString('hex'),
    appendonly,
    maxmemory,
    say: () => undefined,
  });
  const queues: EventQueue[] = [];
  return {
    ...cluster,
    /** The queue as a process of its own sees it. */
    async openQueue({
      consumer = randomUUID(),
      shards = 2,
      capacity = 100_000,
      durability = { replicas: 0, fsync: false, waitMs: 1_000 },
      bound,
      // A machine that is busy with other tests is slow to connect.
      commandTimeoutMs = 5_000,
    }: {
      consumer?: string;
      shards?: number;
      capacity?: number;
      durability?: Durability;
      bound?: number;
      commandTimeoutMs?: number;
    } = {}) {
      const connection = {
        nodes: cluster.addresses,
        password: cluster.password,
        commandTimeoutMs,
        logger: quiet,
      };
      const client = () => createRedis(connection);
      const clients = { appending: client(), consuming: client() };
      await Promise.all([whenReady(clients.appending, 10_000), whenReady(clients.consuming, 10_000)]);
      const options = { clients, consumer, shards, capacity, durability, logger: quiet };
      const queue = createEventQueue({ ...options, ...(bound && { bound }) });
      queues.push(queue);
      return Object.assign(queue, { redis: clients.consuming });
    },
    async close() {
      for (const queue of queues) queue.close();
      await cluster.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

export type TestValkey = Awaited<ReturnType<typeof openTestValkey>>;
export type TestQueue = Awaited<ReturnType<TestValkey['openQueue']>>;

/** A LOGIN of a new user, without a time. */
export function eventIn(areaCode: string, fields: Partial<Event> = {}): Event {
  const names = { areaCode, multiplayerMode: 'royale', userId: randomUUID() };
  return { eventId: randomUUID(), ...names, eventName: 'LOGIN', eventTime: null, ...fields };
}
