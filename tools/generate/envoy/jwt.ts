import { CLOCK_SKEW_SECONDS } from './limits.ts';
import { isOpen, type Rpc } from './rpc.ts';
import { type Config, extension, typed } from './typed.ts';

const FILTER = 'envoy.filters.http.jwt_authn';
const CALLERS = 'callers';
const TOKEN = 'token';
const TOKEN_OR_NONE = 'token-or-none';

/** Where the verified payload of the token is found in the request's dynamic metadata. */
export const TOKEN_METADATA = { namespace: FILTER, key: 'token' } as const;

/**
 * Verifies callers' tokens. Which path needs one is said by its route; a route that says nothing needs one. The services
 * verify the token again and decide by its role.
 */
export const JWT_FILTER: Config = extension(FILTER, 'envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication', {
  providers: {
    [CALLERS]: {
      issuer: 'realmkeep',
      audiences: ['realmkeep'],
      local_jwks: { filename: './jwks.json' },
      // From this header only: Envoy's default would also take a token out of the query.
      from_headers: [{ name: 'authorization', value_prefix: 'Bearer ' }],
      forward: true,
      payload_in_metadata: TOKEN_METADATA.key,
      require_expiration: true,
      clock_skew_seconds: CLOCK_SKEW_SECONDS,
      jwt_cache_config: { jwt_cache_size: 20_000 },
    },
  },
  requirement_map: {
    [TOKEN]: { provider_name: CALLERS },
    [TOKEN_OR_NONE]: { requires_any: { requirements: [{ provider_name: CALLERS }, { allow_missing: {} }] } },
  },
  rules: [{ match: { prefix: '/' }, requirement_name: TOKEN }],
  bypass_cors_preflight: true,
});

/** What a route says of tokens. */
export function tokenRule(rpc: Rpc): Config {
  return perRoute({ requirement_name: isOpen(rpc) ? TOKEN_OR_NONE : TOKEN });
}

/** For the route of everything unknown: it is refused for what it is, not for a missing token. */
export const NO_TOKEN_RULE: Config = perRoute({ disabled: true });

function perRoute(config: Config): Config {
  return { [FILTER]: typed('envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig', config) };
}
