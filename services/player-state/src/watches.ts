import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate, timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Logger } from '@realmkeep/kit/log/logger';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import type { Telemetry } from '@realmkeep/kit/telemetry/telemetry';
import { createWatchHub, type WatchHub, type WatchSource } from '@realmkeep/kit/watch/hub';
import type { Watched } from '@realmkeep/kit/watch/watched';
import {
  type WatchPlayerStateResponse,
  WatchPlayerStateResponseSchema,
} from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { refuse, toRefusal } from './errors.ts';
import { toPlayerState } from './player-state.ts';
import { findNewerVersions, findPlayerStates, type PlayerStateRow } from './repository/players.ts';

/** Starts the watches of players' states, by lower-case player id. What they are sent are WatchPlayerStateResponses. */
export function startWatches({
  postgres,
  meter,
  logger,
  heartbeatMs,
}: {
  postgres: Pick<PostgresNodes, 'read' | 'state'>;
  meter: Telemetry['meter'];
  logger: Pick<Logger, 'warn'>;
  heartbeatMs: number;
}): WatchHub {
  const source: WatchSource = {
    load: (floors) => loadStates(postgres, floors),
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
  return createWatchHub({ name: 'player_state', source, meter, logger, heartbeatMs });
}

/** From a replica, and from the primary those whose newest known version the replica does not have. */
async function loadStates(
  postgres: Pick<PostgresNodes, 'read' | 'state'>,
  floors: ReadonlyMap<string, bigint>,
): Promise<ReadonlyMap<string, Watched>> {
  const states = new Map<string, Watched>();
  const load = (playerIds: string[], primary: boolean) =>
    postgres
      .read(
        async (node) => {
          const { rows } = await findPlayerStates(node, playerIds);
          for (const row of rows) states.set(row.player_id, toWatched(row));
          return node.source;
        },
        { primary },
      )
      .catch((error: unknown) => {
        throw toRefusal(error);
      });

  const source = await load([...floors.keys()], false);
  const lacking = [...floors].filter(([playerId, floor]) => {
    const found = states.get(playerId);
    return !found || found.version < floor;
  });
  if (lacking.length > 0 && source !== 'primary' && postgres.state().writable) {
    await load(
      lacking.map(([playerId]) => playerId),
      true,
    );
  }
  return states;
}

function toWatched(row: PlayerStateRow): Watched {
  const answer: WatchPlayerStateResponse = create(WatchPlayerStateResponseSchema, {
    step: { case: 'state', value: toPlayerState(row) },
    asOf: timestampFromDate(row.as_of),
  });
  return {
    version: BigInt(row.version),
    bytes: toBinary(WatchPlayerStateResponseSchema, answer),
    asOf: row.as_of.getTime(),
  };
}
