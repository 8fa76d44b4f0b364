import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  GetAreaStatsResponseSchema,
  WatchAreaStatsResponseSchema,
} from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';

/** How many users are counted in a mode; always more than 0. */
export type ModeCount = { mode: string; count: bigint };

/** How many users are counted in all modes of an area; always more than 0. */
export type AreaCount = { areaCode: string; count: bigint };

/** The place of an area in the listing, as it travels in a page token, and back; undefined when it is none. */
export function areaToCursor({ areaCode, count }: AreaCount): unknown {
  return [String(count), areaCode];
}

export function areaFromCursor(cursor: unknown): AreaCount | undefined {
  if (!Array.isArray(cursor)) return undefined;
  const [count, areaCode] = cursor as unknown[];
  return typeof count === 'string' && typeof areaCode === 'string' ? { areaCode, count: BigInt(count) } : undefined;
}

/** The counts of one area, most played first, ties by the bytes of the name. */
export type AreaStats = {
  modes: ModeCount[];
  /** When they were read, by the database's clock, in epoch milliseconds. */
  asOf: number;
};

/** Encodes the answer to GetAreaStats. */
export function encodeAreaStats(areaCode: string, stats: AreaStats): Uint8Array {
  const asOf = timestampFromMs(stats.asOf);
  return toBinary(
    GetAreaStatsResponseSchema,
    create(GetAreaStatsResponseSchema, { areaCode, ...fieldsOf(stats), asOf }),
  );
}

/** Encodes the step of a watch that shows counts. */
export function encodeWatchedStats(areaCode: string, version: bigint, stats: AreaStats): Uint8Array {
  return toBinary(
    WatchAreaStatsResponseSchema,
    create(WatchAreaStatsResponseSchema, {
      step: { case: 'stats', value: { areaCode, ...fieldsOf(stats), version } },
      asOf: timestampFromMs(stats.asOf),
    }),
  );
}

/** Encodes the step of a watch that says that nothing is newer, as of that time if it is known. */
export function encodeHeartbeat(asOf: number | undefined): Uint8Array {
  return toBinary(
    WatchAreaStatsResponseSchema,
    create(WatchAreaStatsResponseSchema, {
      step: { case: 'heartbeat', value: {} },
      ...(asOf !== undefined && { asOf: timestampFromMs(asOf) }),
    }),
  );
}

function fieldsOf({ modes }: AreaStats) {
  return {
    modes: modes.map(({ mode, count }) => ({ multiplayerMode: mode, currentCount: count })),
    mostPlayedMode: modes[0]?.mode ?? '',
  };
}
