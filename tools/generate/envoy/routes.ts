import { clusterOf } from './clusters.ts';
import { corsPolicy } from './cors.ts';
import { NO_TOKEN_RULE, tokenRule } from './jwt.ts';
import { KNOWN_FIELDS } from './known-fields.ts';
import { MAX_REQUEST_BYTES, STREAM_IDLE_SECONDS } from './limits.ts';
import { PORTAL_ROUTES } from './portal.ts';
import type { Rpc } from './rpc.ts';
import { type Config, extension, seconds } from './typed.ts';

/** One route for each RPC by its exact path, and those of the portal's pages. REST calls meet it too: the route is chosen again once they are transcoded. */
export function routes(rpcs: readonly Rpc[], { origins }: { origins: string }): Config {
  return {
    name: 'realmkeep',
    // The clusters come from a file of their own, after this.
    validate_clusters: false,
    virtual_hosts: [
      {
        name: 'realmkeep',
        domains: ['*'],
        typed_per_filter_config: corsPolicy(origins),
        routes: [...rpcs.map(route), ...PORTAL_ROUTES, nothing],
      },
    ],
  };
}

/**
 * Where every REST call is before it is transcoded, and where unknown calls stay. A route to a cluster that does not
 * exist rather than a direct response: the CORS policy is found on routes to clusters only.
 */
const nothing: Config = {
  match: { prefix: '/' },
  route: { cluster: 'nothing', cluster_not_found_response_code: 'NOT_FOUND' },
  typed_per_filter_config: { ...NO_TOKEN_RULE, ...KNOWN_FIELDS },
  request_body_buffer_limit: MAX_REQUEST_BYTES,
};

function route(rpc: Rpc): Config {
  return {
    match: { path: rpc.path },
    route: {
      cluster: clusterOf(rpc),
      timeout: seconds(rpc.streaming ? 0 : rpc.timeoutSeconds),
      ...(rpc.streaming && { idle_timeout: seconds(STREAM_IDLE_SECONDS) }),
      ...(rpc.safeToRetry && { retry_policy: retries(rpc) }),
    },
    typed_per_filter_config: tokenRule(rpc),
  };
}

/**
 * Only for what the contract declares safe. A try is bounded from the moment it leaves the ingress's queue, so that a
 * process that hangs leaves time for another one; the cluster's retry budget keeps retries from feeding an overload.
 */
function retries({ streaming, timeoutSeconds }: Rpc): Config {
  return {
    retry_on: 'connect-failure,refused-stream,reset,unavailable',
    num_retries: 2,
    ...(!streaming && { per_try_timeout: seconds(timeoutSeconds * 0.4) }),
    retry_back_off: { base_interval: '0.025s', max_interval: '0.250s' },
    retry_host_predicate: [
      extension(
        'envoy.retry_host_predicates.previous_hosts',
        'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
      ),
    ],
    host_selection_retry_max_attempts: 3,
  };
}
