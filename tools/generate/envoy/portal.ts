import { NO_TOKEN_RULE } from './jwt.ts';
import { type Config, seconds, typed } from './typed.ts';

/** The deployable that serves pages over plain HTTP: `GET /`, `/docs` and what is below it, `/openapi.yaml`. */
export const PORTAL = 'portal';

const TIMEOUT_SECONDS = 15;

/** The routes of the portal's pages. Pages need no token; what is no GET or HEAD is no page. */
export const PORTAL_ROUTES: Config[] = [
  route({ path: '/' }),
  route({ path: '/docs' }),
  route({ prefix: '/docs/' }),
  route({ path: '/openapi.yaml' }),
];

function route(match: Config): Config {
  return {
    match: { ...match, headers: [{ name: ':method', string_match: { safe_regex: { regex: 'GET|HEAD' } } }] },
    route: {
      cluster: PORTAL,
      timeout: seconds(TIMEOUT_SECONDS),
      retry_policy: { retry_on: 'connect-failure,reset', num_retries: 2 },
    },
    typed_per_filter_config: {
      ...NO_TOKEN_RULE,
      // The transcoder would refuse a path that is none of the contract's.
      'envoy.filters.http.grpc_json_transcoder': typed('envoy.config.route.v3.FilterConfig', { disabled: true }),
    },
  };
}
