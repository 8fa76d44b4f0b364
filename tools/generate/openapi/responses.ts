import { REFUSALS } from '../envoy/refusals.ts';
import { isOpen } from '../envoy/rpc.ts';
import type { ToldRefusal } from './comment.ts';
import type { RestCall } from './rest.ts';
import { ref, type Schema } from './schema.ts';
import { HTTP_STATUS } from './status.ts';

/** One reason of an error answer, and what it means. */
type Reason = { reason: string; meaning: string };

// What any service may answer: the reasons of packages/kit/src/errors/common.ts.
const OF_SERVICES: Record<number, Reason[]> = {
  400: [{ reason: 'INVALID_ARGUMENT', meaning: 'a field breaks a rule; the BadRequest names it.' }],
  401: [
    { reason: 'TOKEN_MISSING', meaning: 'the call needs a token.' },
    { reason: 'TOKEN_INVALID', meaning: 'the token is not valid.' },
    { reason: 'TOKEN_EXPIRED', meaning: 'the token has expired.' },
  ],
  403: [
    { reason: 'ROLE_NOT_ALLOWED', meaning: 'the role of the token may not call this.' },
    { reason: 'NOT_YOUR_DATA', meaning: 'the player of the token is another one than that of the request.' },
  ],
  429: [
    { reason: 'RESOURCE_EXHAUSTED', meaning: 'the service has too much to do; wait for the delay of the RetryInfo.' },
  ],
  500: [{ reason: 'INTERNAL', meaning: 'a fault of the service.' }],
  503: [{ reason: 'UNAVAILABLE', meaning: 'nothing was lost; call again after the delay of the RetryInfo.' }],
  504: [{ reason: 'DEADLINE_EXCEEDED', meaning: 'the deadline has passed.' }],
};

const TITLES: Record<number, string> = {
  400: 'The request is refused as it is.',
  401: 'There is no valid token.',
  403: 'The caller may not do this.',
  404: 'Something that the request names is not there.',
  409: 'The request meets another one.',
  413: 'The request is too large.',
  429: 'There are too many requests.',
  500: 'A fault of the service.',
  503: 'The service is away: safe to call again.',
  504: 'There was no answer in time.',
};

/** The error answers that every call may get, by their names among the components. */
export function commonResponses(): Record<string, Schema> {
  const statuses = [400, 401, 403, 413, 429, 500, 503, 504];
  return Object.fromEntries(
    statuses.map((status) => [commonName(status), errorResponse(status, commonReasons(status))]),
  );
}

/** The error answers of one call, by HTTP status: those that every call may get, and the RPC's own refusals. */
export function errorResponses({ rpc, body }: RestCall, refusals: readonly ToldRefusal[]): Record<string, Schema> {
  const own = Map.groupBy(refusals, ({ code }) => {
    const status = HTTP_STATUS[code];
    if (!status) throw new Error(`${rpc.path}: its comment names ${code}, which is no code of an error`);
    return status;
  });
  const usual = [400, 401, ...(isOpen(rpc) ? [] : [403]), ...(body ? [413] : []), 429, 500, 503, 504];
  const statuses = [...new Set([...usual, ...own.keys()])].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const told = own.get(status);
      if (!told) return [status, ref('responses', commonName(status))];
      const reasons = told.flatMap(({ reasons, meaning }) => reasons.map((reason) => ({ reason, meaning })));
      return [status, errorResponse(status, [...reasons, ...(usual.includes(status) ? commonReasons(status) : [])])];
    }),
  );
}

function commonName(status: number): string {
  return `Error${status}`;
}

function commonReasons(status: number): Reason[] {
  const ofIngress = REFUSALS.filter(({ on, http = on }) => http === status)
    .filter(({ reason }, at, all) => all.findIndex((each) => each.reason === reason) === at)
    .map(({ reason, message }) => ({ reason, meaning: `${message}.` }));
  const ofServices = OF_SERVICES[status] ?? [];
  return [...ofServices, ...ofIngress.filter(({ reason }) => !ofServices.some((each) => each.reason === reason))];
}

function errorResponse(status: number, reasons: Reason[]): Schema {
  return {
    description: [TITLES[status], '', ...reasons.map(({ reason, meaning }) => `- \`${reason}\`: ${meaning}`)].join(
      '\n',
    ),
    content: { 'application/json': { schema: ref('schemas', 'Status') } },
    'x-reasons': reasons.map(({ reason }) => reason),
  };
}
