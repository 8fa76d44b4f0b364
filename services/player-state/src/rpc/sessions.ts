import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { implement } from '@realmkeep/kit/server/implementation';
import {
  EndSessionResponseSchema,
  HeartbeatResponseSchema,
  SessionService,
  StartSessionResponseSchema,
} from '@realmkeep/proto/realmkeep/player_state/v1/session_service';
import type { Sessions } from '../service/sessions.ts';
import { toSession } from '../session.ts';

export function sessionRpcs(sessions: Sessions) {
  return implement(SessionService, {
    async startSession({ playerId, sessionId, areaCode, multiplayerMode }, context) {
      const row = await sessions.startSession({
        playerId: playerId.toLowerCase(),
        sessionId: sessionId.toLowerCase(),
        areaCode,
        multiplayerMode,
      });
      context.header('realmkeep-source', 'primary');
      return create(StartSessionResponseSchema, { session: toSession(row) });
    },

    async heartbeat({ sessionId }, context) {
      const leaseUntil = await sessions.heartbeat(context.caller, sessionId.toLowerCase());
      return create(HeartbeatResponseSchema, { leaseUntil: timestampFromDate(leaseUntil) });
    },

    async endSession({ sessionId }, context) {
      const row = await sessions.endSession(context.caller, sessionId.toLowerCase());
      context.header('realmkeep-source', 'primary');
      return create(EndSessionResponseSchema, { session: toSession(row) });
    },
  });
}
