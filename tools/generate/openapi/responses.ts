import { REFUSALS, type Refusal } from '../envoy/refusals.ts';
import { isOpen } from '../envoy/rpc.ts';
import type { ToldRefusal } from './comment.ts';
import type { RestCall } from './rest.ts';
import { ref, type Schema } from './schema.ts';
import { type Code, HTTP_STATUS, statusExample } from './status.ts';

/** One reason of an error answer, what it means, and who says so. */
type Reason = { code: Code; reason: string; meaning: string; domain: string };

/** What any call may be answered, by HTTP status: `reasons` are those of packages/kit/src/errors/common.ts. */
const COMMON: Record<number, { title: string; code: Code; reasons: Record<string, string> }> = {
  400: {
    title: 'The request is refused as it is.',
    code: 'INVALID_ARGUMENT',
    reasons: { INVALID_ARGUMENT: 'a field breaks a rule; the BadRequest names it.' },
  },
  401: {
    title: 'There is no valid token.',
    code: 'UNAUTHENTICATED',
    reasons: {
      TOKEN_MISSING: 'the call needs a token.',
      TOKEN_INVALID: 'the token is not valid.',
      TOKEN_EXPIRED: 'the token has expired.',
    },
  },
  403: {
    title: 'The caller may not do this.',
    code: 'PERMISSION_DENIED',
    reasons: {
      ROLE_NOT_ALLOWED: 'the role of the token may not call this.',
      NOT_YOUR_DATA: 'the player of the token is another one than that of the request.',
    },
  },
  413: { title: 'The request is too large.', code: 'RESOURCE_EXHAUSTED', reasons: {} },
  429: {
    title: 'There are too many requests.',
    code: 'RESOURCE_EXHAUSTED',
    reasons: { RESOURCE_EXHAUSTED: 'the service has too much to do; wait for the delay of the RetryInfo.' },
  },
  500: {
    title: 'A fault of the service.',
    code: 'INTERNAL',
    reasons: { INTERNAL: 'it says nothing about the inside.' },
  },
  503: {
    title: 'The service is away: safe to call again.',
    code: 'UNAVAILABLE',
    reasons: { UNAVAILABLE: 'nothing was lost; call again after the delay of the RetryInfo.' },
  },
  504: {
    title: 'There was no answer in time.',
    code: 'DEADLINE_EXCEEDED',
    reasons: { DEADLINE_EXCEEDED: 'the deadline has passed.' },
  },
};

/** The error answers that every call may get, by their names among the components. */
export function commonResponses(): Record<string, Schema> {
  return Object.fromEntries(
    Object.keys(COMMON)
      .map(Number)
      .map((status) => [commonName(status), errorResponse(status, commonReasons(status))]),
  );
}

/** The error answers of one call, by HTTP status: those that every call may get, and the RPC's own refusals. */
export function errorResponses({ rpc, body }: RestCall, refusals: readonly ToldRefusal[]): Record<string, Schema> {
  const domain = `${rpc.deployable}.realmkeep`;
  const own = Map.groupBy(
    refusals.flatMap(({ code, reasons, meaning }): Reason[] => {
      if (!(code in HTTP_STATUS))
        throw new Error(`${rpc.path}: its comment names ${code}, which is no code of an error`);
      return reasons.map((reason) => ({ code: code as Code, reason, meaning, domain }));
    }),
    ({ code }): number => HTTP_STATUS[code],
  );
  const usual = [400, 401, ...(isOpen(rpc) ? [] : [403]), ...(body ? [413] : []), 429, 500, 503, 504];
  const statuses = [...new Set([...usual, ...own.keys()])].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const told = own.get(status);
      if (!told) return [status, ref('responses', commonName(status))];
      return [status, errorResponse(status, [...told, ...(usual.includes(status) ? commonReasons(status) : [])])];
    }),
  );
}

const TITLES: Record<number, string> = {
  404: 'Something that the request names is not there.',
  409: 'The request meets another one.',
};

function commonName(status: number): string {
  return `Error${status}`;
}

function commonReasons(status: number): Reason[] {
  const { code, reasons } = COMMON[status]!;
  const ofServices = Object.entries(reasons).map(
    ([reason, meaning]): Reason => ({ code, reason, meaning, domain: '<service>.realmkeep' }),
  );
  const ofIngress = REFUSALS.filter((refusal) => isSeenAs(refusal, status)).map(
    ({ reason, message }): Reason => ({ code, reason, meaning: `${message}.`, domain: 'ingress.realmkeep' }),
  );
  const all = [...ofServices, ...ofIngress];
  return all.filter(({ reason }, at) => all.findIndex((each) => each.reason === reason) === at);
}

/** Whether REST callers see the refusal as this status: of those for the same status the first is the answer. */
function isSeenAs(refusal: Refusal, status: number): boolean {
  if (refusal.http !== undefined) return refusal.http === status;
  const first = REFUSALS.find(({ on }) =>
    typeof on === 'number' ? on === status : on[0] <= status && status <= on[1],
  );
  return first === refusal;
}

function errorResponse(status: number, reasons: readonly Reason[]): Schema {
  const lines = reasons.map(({ reason, meaning }) => `- \`${reason}\`: ${meaning}`);
  return {
    description: [COMMON[status]?.title ?? TITLES[status], '', ...lines].join('\n'),
    content: { 'application/json': { schema: ref('schemas', 'Status'), example: statusExample(reasons[0]!) } },
    'x-reasons': reasons.map(({ reason }) => reason),
  };
}
