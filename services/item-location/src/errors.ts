import { defineRefusals } from '@realmkeep/kit/errors/refusals';
import type { RpcError } from '@realmkeep/kit/errors/rpc-error';
import pg from 'pg';

/** Every refusal of this service. */
export const refuse = defineRefusals('item-location.realmkeep', {
  ITEM_LOCATION_NOT_FOUND: 'NOT_FOUND',
  LOCATION_NOT_FOUND: 'NOT_FOUND',
  LOCATION_ID_REUSED: 'ALREADY_EXISTS',
  REQUEST_ID_REUSED: 'ALREADY_EXISTS',
  NOT_OWNER: 'PERMISSION_DENIED',
  FILTER_NOT_ALLOWED: 'PERMISSION_DENIED',
  VERSION_MISMATCH: 'ABORTED',
  POSITION_NOT_REACHED: 'FAILED_PRECONDITION',
  PAGE_TOKEN_INVALID: 'INVALID_ARGUMENT',
});

// What the stored functions raise: the reason as the message, the ids that it is about as a JSON object in the detail.
const REFUSED = 'RK001';

const MESSAGES = {
  ITEM_LOCATION_NOT_FOUND: 'a thing is not known here, or was consumed',
  LOCATION_NOT_FOUND: 'a location is unknown',
  NOT_OWNER: 'a thing is not the caller’s',
  VERSION_MISMATCH: 'a thing has another version than expected; read again and retry',
  REQUEST_ID_REUSED: 'the request id was used with other content',
} as const satisfies Partial<Record<keyof typeof refuse, string>>;

/** The refusal that a stored function raised; undefined when the error is something else. */
export function refusalOf(error: unknown): RpcError | undefined {
  if (!(error instanceof pg.DatabaseError) || error.code !== REFUSED || !(error.message in MESSAGES)) return undefined;
  const reason = error.message as keyof typeof MESSAGES;
  return refuse[reason](MESSAGES[reason], JSON.parse(error.detail ?? '{}') as Record<string, string>);
}
