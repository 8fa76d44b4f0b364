/** One way in which Envoy itself refuses a call. */
export type Refusal = {
  /** The HTTP status that Envoy gives; a range where it gives several. */
  on: number | readonly [number, number];
  /** The HTTP status that REST callers see, when it is another one. */
  http?: number;
  /** The gRPC code, by google.rpc.Code. */
  code: number;
  /** The gRPC code that gRPC and gRPC-Web callers see, when it is another one. */
  grpcCode?: number;
  reason: string;
  message: string;
  /** Whether Envoy's own words say more than `message`, such as the name of the unknown field. */
  envoySaysMore?: boolean;
  retryAfterSeconds?: number;
};

const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;
const INTERNAL = 13;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

/** Every refusal of the ingress. The first that matches is the answer; the last matches whatever is left. */
export const REFUSALS: readonly Refusal[] = [
  {
    on: 400,
    code: INVALID_ARGUMENT,
    reason: 'MALFORMED_REQUEST',
    message: 'the request is malformed',
    envoySaysMore: true,
  },
  {
    on: 401,
    code: UNAUTHENTICATED,
    reason: 'UNAUTHENTICATED',
    message: 'the token is missing, expired or not valid',
    envoySaysMore: true,
  },
  {
    // A token for another audience: as bad as a forged one.
    on: 403,
    http: 401,
    code: UNAUTHENTICATED,
    reason: 'UNAUTHENTICATED',
    message: 'the token is for another audience',
  },
  {
    on: 404,
    code: NOT_FOUND,
    grpcCode: UNIMPLEMENTED,
    reason: 'ROUTE_NOT_FOUND',
    message: 'nothing is served at this method and path',
  },
  {
    on: 408,
    code: DEADLINE_EXCEEDED,
    reason: 'REQUEST_TIMEOUT',
    message: 'the request was not complete in time',
  },
  {
    on: 413,
    code: RESOURCE_EXHAUSTED,
    reason: 'REQUEST_TOO_LARGE',
    message: 'the request has more than 4 MB',
  },
  {
    on: 429,
    code: RESOURCE_EXHAUSTED,
    reason: 'RATE_LIMITED',
    message: 'this caller makes too many requests',
    retryAfterSeconds: 1,
  },
  {
    on: [502, 503],
    code: UNAVAILABLE,
    reason: 'UPSTREAM_UNAVAILABLE',
    message: 'the service is not available now',
    retryAfterSeconds: 1,
  },
  {
    on: 504,
    code: DEADLINE_EXCEEDED,
    reason: 'UPSTREAM_TIMEOUT',
    message: 'the service did not answer in time',
  },
  {
    on: [400, 499],
    code: INVALID_ARGUMENT,
    reason: 'MALFORMED_REQUEST',
    message: 'the request is malformed',
    envoySaysMore: true,
  },
  {
    on: [500, 599],
    code: INTERNAL,
    reason: 'INTERNAL',
    message: 'internal error',
  },
];
