import type { Logger } from '@realmkeep/kit/log/logger';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import type { Telemetry } from '@realmkeep/kit/telemetry/telemetry';
import { createWatchHub, type WatchHub, type WatchSource } from '@realmkeep/kit/watch/hub';
import type { Watched } from '@realmkeep/kit/watch/watched';
import { encodeHeartbeat, encodeWatchedStats } from './area-stats.ts';
import { findNewerAreas, readAreas } from './repository/areas.ts';

// Beyond so many areas the memory of what was read begins anew.
const MOST_RECENT = 10_000;

/**
 * Starts the watches of areas' counts; what they are sent are WatchAreaStatsResponses. Every interval one question asks for
 * the areas that have changed, and those are read, each once however many watch it. Who comes in between is shown what was
 * read within the interval, so the database sees no more of a crowd than of one watcher.
 */
export function startWatches({
  postgres,
  meter,
  logger,
  intervalMs,
  heartbeatMs,
}: {
  postgres: Pick<PostgresNodes, 'read'>;
  meter: Telemetry['meter'];
  logger: Pick<Logger, 'warn'>;
  intervalMs: number;
  heartbeatMs: number;
}): Pick<WatchHub, 'watch' | 'size' | 'close'> {
  // What was read within the interval.
  const recent = new Map<string, Watched & { readAt: number }>();

  async function read(areaCodes: string[], primary: boolean): Promise<Map<string, Watched>> {
    const readAt = performance.now();
    const areas = await postgres.read((node) => readAreas(node, areaCodes), { primary });
    const found = new Map<string, Watched>();
    if (recent.size > MOST_RECENT) recent.clear();
    for (const [areaCode, { version, ...stats }] of areas) {
      const watched = { version, bytes: encodeWatchedStats(areaCode, version, stats), asOf: stats.asOf };
      found.set(areaCode, watched);
      recent.set(areaCode, { ...watched, readAt });
    }
    return found;
  }

  function readLately(floors: ReadonlyMap<string, bigint>): Map<string, Watched> {
    const found = new Map<string, Watched>();
    const since = performance.now() - intervalMs;
    for (const areaCode of floors.keys()) {
      const watched = recent.get(areaCode);
      if (watched && watched.readAt > since) found.set(areaCode, watched);
    }
    return found;
  }

  const source: WatchSource = {
    async load(floors) {
      const found = readLately(floors);
      // A replica may be behind the one that told of a newer version.
      for (const primary of [false, true]) {
        const lacking = [...floors].filter(([areaCode, floor]) => (found.get(areaCode)?.version ?? -1n) < floor);
        if (lacking.length === 0) break;
        const areaCodes = lacking.map(([areaCode]) => areaCode);
        for (const [areaCode, watched] of await read(areaCodes, primary)) found.set(areaCode, watched);
      }
      return found;
    },
    newer(known) {
      recent.clear();
      return postgres.read((node) => findNewerAreas(node, known));
    },
    absent: (areaCode) => new Error(`the counts of ${areaCode} were not read`),
    heartbeat: encodeHeartbeat,
  };
  return createWatchHub({ name: 'area_stats', source, meter, logger, heartbeatMs, checkEveryMs: intervalMs });
}
