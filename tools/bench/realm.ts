import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { type Realm, startRealm } from '../local/realm.ts';
import type { ServiceName } from '../local/service-names.ts';
import { seedRealm } from '../seed/seed.ts';

/** A realm for one benchmark: its own stores in a temporary folder, seeded. `end` leaves nothing behind. */
export type BenchRealm = { realm: Realm; folder: string; end: () => Promise<void> };

/** What the operations guide gives a server: a quarter of the memory of its machine, which three nodes share here. */
export const SHARED_BUFFERS_MB = Math.floor(totalmem() / 2 ** 20 / 4 / 3);

/**
 * Starts a realm of its own with `players` seeded players, apart from a local system that may run. The parts that are
 * not measured are stopped: the ingress and every service but `service`, which has `processes` processes.
 */
export async function startBenchRealm({
  service,
  processes = 1,
  players,
  seed,
  say,
}: {
  service: ServiceName;
  processes?: number;
  players: number;
  seed: number;
  say: (line: string) => void;
}): Promise<BenchRealm> {
  const folder = mkdtempSync(join(tmpdir(), 'realmkeep-bench-'));
  let realm: Realm | undefined;
  const clear = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', clear);
  const end = async () => {
    await realm?.stop();
    clear();
    process.off('exit', clear);
  };
  try {
    realm = await startRealm({
      folder,
      replicas: { [service]: processes },
      env: { DRAIN_DELAY_MS: '200', LOG_LEVEL: 'warn' },
      postgres: { shared_buffers: `${SHARED_BUFFERS_MB}MB` },
      say,
    });
    await realm.envoy.stop();
    for (const [name, others] of Object.entries(realm.services)) {
      if (name !== service) {
        await Promise.all(others.map((process) => process.stop()));
      }
    }
    const { databases } = realm;
    say(`seeding ${players.toLocaleString('en')} players`);
    await seedRealm({
      urls: {
        playerState: databases['player-state'].ownerUrl,
        itemLocation: databases['item-location'].ownerUrl,
        areaStats: databases['area-stats'].ownerUrl,
      },
      players,
      seed,
      progress: { begin: () => {}, advance: () => {} },
    });
    return { realm, folder, end };
  } catch (error) {
    await end();
    throw error;
  }
}
