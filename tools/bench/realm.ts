import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Realm, startRealm } from '../local/realm.ts';
import type { ServiceName } from '../local/service-names.ts';
import { seedRealm } from '../seed/seed.ts';

/** A realm for one benchmark: its own stores in a temporary folder, seeded. `end` leaves nothing behind. */
export type BenchRealm = { realm: Realm; end: () => Promise<void> };

/**
 * Starts a realm of its own with `players` seeded players, apart from a local system that may run. The parts that are
 * not measured are stopped: the ingress and every service but `service`.
 */
export async function startBenchRealm({
  service,
  players,
  seed,
  say,
}: {
  service: ServiceName;
  players: number;
  seed: number;
  say: (line: string) => void;
}): Promise<BenchRealm> {
  const folder = mkdtempSync(join(tmpdir(), 'realmkeep-bench-'));
  let realm: Realm | undefined;
  const end = async () => {
    await realm?.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    realm = await startRealm({ folder, say });
    await realm.envoy.stop();
    for (const [name, processes] of Object.entries(realm.services)) {
      if (name !== service) {
        await Promise.all(processes.map((process) => process.stop()));
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
    return { realm, end };
  } catch (error) {
    await end();
    throw error;
  }
}
