import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { GetAreaStatsResponseSchema } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';

/** How many users are counted in a mode; always more than 0. */
export type ModeCount = { mode: string; count: bigint };

/** The counts of one area, most played first, ties by the bytes of the name. */
export type AreaStats = {
  modes: ModeCount[];
  /** When they were read, by the database's clock, in epoch milliseconds. */
  asOf: number;
};

/** Encodes the answer to GetAreaStats. */
export function encodeAreaStats(areaCode: string, { modes, asOf }: AreaStats): Uint8Array {
  return toBinary(
    GetAreaStatsResponseSchema,
    create(GetAreaStatsResponseSchema, {
      areaCode,
      modes: modes.map(({ mode, count }) => ({ multiplayerMode: mode, currentCount: count })),
      mostPlayedMode: modes[0]?.mode ?? '',
      asOf: timestampFromMs(asOf),
    }),
  );
}
