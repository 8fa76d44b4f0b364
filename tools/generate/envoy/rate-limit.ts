import { TOKEN_METADATA } from './jwt.ts';
import { RATE_LIMITED_CALLERS, type RateLimit, type RateLimits } from './limits.ts';
import { type Config, extension } from './typed.ts';

const ALWAYS: Config = { default_value: { numerator: 100, denominator: 'HUNDRED' }, runtime_key: 'ingress.rate_limit' };

/**
 * A bucket for each caller: for each token's role and subject, or for each client address when there is no token.
 * Counted by this process alone.
 */
export function rateLimitFilter(limits: RateLimits): Config {
  return extension(
    'envoy.filters.http.local_ratelimit',
    'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit',
    {
      stat_prefix: 'ingress',
      filter_enabled: ALWAYS,
      filter_enforced: ALWAYS,
      // The bucket of what no descriptor matches: a token of a role that is none. The services refuse it.
      token_bucket: bucket(limits.server),
      always_consume_default_token_bucket: false,
      rate_limited_as_resource_exhausted: true,
      max_dynamic_descriptors: RATE_LIMITED_CALLERS,
      rate_limits: [
        { actions: [fromToken('role'), fromToken('sub')] },
        { actions: [fromToken('role', 'anyone'), { remote_address: {} }] },
      ],
      descriptors: [
        perCaller('player', 'sub', limits.player),
        perCaller('server', 'sub', limits.server),
        perCaller('admin', 'sub', limits.admin),
        perCaller('anyone', 'remote_address', limits.anyone),
      ],
    },
  );
}

/** A bucket for each value of `caller`: an entry without a value stands for every one. */
function perCaller(role: string, caller: string, limit: RateLimit): Config {
  return {
    entries: [
      { key: 'role', value: role },
      { key: caller, value: '' },
    ],
    token_bucket: bucket(limit),
  };
}

function fromToken(claim: string, absent?: string): Config {
  return {
    metadata: {
      descriptor_key: claim,
      metadata_key: { key: TOKEN_METADATA.namespace, path: [{ key: TOKEN_METADATA.key }, { key: claim }] },
      source: 'DYNAMIC',
      ...(absent && { default_value: absent }),
    },
  };
}

function bucket({ perSecond, burst }: RateLimit): Config {
  return { max_tokens: burst, tokens_per_fill: perSecond, fill_interval: '1s' };
}
