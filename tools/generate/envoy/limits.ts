/** The numbers of the ingress, in one place. */

export const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
/**
 * In JSON, as it leaves. What the services answer is cut at 2 MB, before parts that are joined as bytes; what can not be
 * cut is a MoveItems of 500 things: 2.8 MB, where gRPC's bound is 4 MB. Names whose every character JSON has to escape make
 * the largest JSON: 8.1 MB of those 500, less of what is cut.
 */
export const MAX_RESPONSE_BYTES = 8 * 1024 * 1024;

/**
 * What reaches one process of a service at a time: connections times streams. The services set the same stream limit, or
 * a fresh connection would be sent more than the server takes.
 */
export const CONNECTIONS_PER_HOST = 4;
export const STREAMS_PER_CONNECTION = 200;
/** The rest waits here. Envoy's defaults of 1,024 would answer 503 to a burst that the services carry in seconds. */
export const QUEUED_REQUESTS = 70_000;
/** Watches are long-lived and idle: a process holds at most this many connections of them. */
export const STREAM_CONNECTIONS_PER_HOST = 500;
/** A stream on which nothing moves for as long is closed; a watch's heartbeats are more frequent. */
export const STREAM_IDLE_SECONDS = 300;

export const DOWNSTREAM_STREAMS_PER_CONNECTION = 1024;

/** Tokens that an issuer's clock may be ahead or behind. Envoy's default is 60 s. */
export const CLOCK_SKEW_SECONDS = 5;

export type RateLimit = { perSecond: number; burst: number };

/** What each caller of a role may do; `anyone` has no token. */
export type RateLimits = Record<'player' | 'server' | 'admin' | 'anyone', RateLimit>;

/** Per caller: the token's subject, the client's address when there is no token. Servers speak for many players. */
export const RATE_LIMITS: RateLimits = {
  player: { perSecond: 100, burst: 300 },
  server: { perSecond: 100_000, burst: 200_000 },
  admin: { perSecond: 1_000, burst: 5_000 },
  anyone: { perSecond: 500, burst: 2_000 },
};
/** How many callers are remembered: the least recently seen is forgotten first, and then begins with a full burst. */
export const RATE_LIMITED_CALLERS = 200_000;
