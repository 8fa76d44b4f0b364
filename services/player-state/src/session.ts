import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { GetPlayerStateResponseSchema } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import {
  type PresencePart,
  PresencePart_MissingReason,
  PresencePartSchema,
  type Session,
  SessionSchema,
} from '@realmkeep/proto/realmkeep/player_state/v1/session';
import { timestampFromMicros } from './micros.ts';
import type { SessionRow } from './repository/sessions.ts';

export function toSession(row: SessionRow): Session {
  return create(SessionSchema, {
    sessionId: row.session_id,
    playerId: row.player_id,
    areaCode: row.area_code,
    multiplayerMode: row.multiplayer_mode,
    startTime: timestampFromMicros(row.started),
    lastSeenTime: timestampFromMicros(row.last_seen),
    leaseUntil: timestampFromMicros(row.lease),
    ...(row.ended !== null && { endTime: timestampFromMicros(row.ended) }),
  });
}

/** What a player's last session says of it at the time of the snapshot. */
export function toPresence(row: SessionRow | undefined, asOf: Date): PresencePart {
  if (!row) return create(PresencePartSchema, { asOf: timestampFromDate(asOf) });
  const ran = row.ended !== null && row.ended === row.lease;
  // Nothing was heard of the player at the end of a lease.
  const lastSeen = row.ended === null || ran ? row.last_seen : row.ended;
  return create(PresencePartSchema, {
    online: row.ended === null && Number(row.lease) > asOf.getTime() * 1_000,
    sessionId: row.session_id,
    areaCode: row.area_code,
    multiplayerMode: row.multiplayer_mode,
    leaseUntil: timestampFromMicros(row.lease),
    lastSeenTime: timestampFromMicros(lastSeen),
    // The times of one player strictly grow.
    version: BigInt(row.ended ?? row.last_seen),
    asOf: timestampFromDate(asOf),
  });
}

/** The presence as a part of a GetPlayerStateResponse. */
export function encodePresence(presence: PresencePart): Uint8Array {
  return toBinary(GetPlayerStateResponseSchema, create(GetPlayerStateResponseSchema, { presence }));
}

export function missingPresence(): PresencePart {
  return create(PresencePartSchema, { missingReason: PresencePart_MissingReason.UNAVAILABLE });
}
