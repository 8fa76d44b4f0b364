import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Logger } from '@realmkeep/kit/log/logger';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import type { Telemetry } from '@realmkeep/kit/telemetry/telemetry';
import { createWatchHub, type WatchHub, type WatchSource } from '@realmkeep/kit/watch/hub';
import type { Watched } from '@realmkeep/kit/watch/watched';
import { WatchPlayerStateResponseSchema } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import type { StateCache } from './cache.ts';
import { refuse, toRefusal } from './errors.ts';
import { findNewerVersions } from './repository/players.ts';
import { answerOf } from './state-bytes.ts';

/**
 * Starts the watches of players' states, by lower-case player id. What they are sent are WatchPlayerStateResponses. A
 * state is read through the cache; whether there is a newer one, each second, from the database: a cache that is away or
 * has missed something delays an update, and loses none.
 */
export function startWatches({
  states,
  postgres,
  meter,
  logger,
  heartbeatMs,
}: {
  states: Pick<StateCache, 'get' | 'onChange'>;
  postgres: Pick<PostgresNodes, 'read'>;
  meter: Telemetry['meter'];
  logger: Pick<Logger, 'warn'>;
  heartbeatMs: number;
}): WatchHub {
  async function loadOne(playerId: string, floor: bigint): Promise<Watched | Error | undefined> {
    try {
      const { bytes, version, asOf } = await states.get(playerId, { minVersion: Number(floor) });
      return bytes && { version: BigInt(version), bytes: answerOf(bytes), asOf };
    } catch (error) {
      return toRefusal(error) as Error;
    }
  }

  const source: WatchSource = {
    async load(floors) {
      const loaded = new Map<string, Watched | Error>();
      await Promise.all(
        [...floors].map(async ([playerId, floor]) => {
          const found = await loadOne(playerId, floor);
          if (found) loaded.set(playerId, found);
        }),
      );
      return loaded;
    },
    newer: (known) => postgres.read((node) => findNewerVersions(node, known)),
    absent: (playerId) => refuse.PLAYER_NOT_FOUND('the player does not exist', { player_id: playerId }),
    heartbeat: (asOf) =>
      toBinary(
        WatchPlayerStateResponseSchema,
        create(WatchPlayerStateResponseSchema, {
          step: { case: 'heartbeat', value: {} },
          ...(asOf !== undefined && { asOf: timestampFromMs(asOf) }),
        }),
      ),
  };

  const hub = createWatchHub({ name: 'player_state', source, meter, logger, heartbeatMs });
  const deaf = states.onChange((playerId) => hub.changed(playerId));
  return {
    ...hub,
    close() {
      deaf();
      return hub.close();
    },
  };
}
