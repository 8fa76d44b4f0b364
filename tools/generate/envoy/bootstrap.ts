import { stringify } from 'yaml';
import { accessLog } from './access-log.ts';
import { CORS_FILTER } from './cors.ts';
import { JWT_FILTER } from './jwt.ts';
import { knownFieldsFilter } from './known-fields.ts';
import { DOWNSTREAM_STREAMS_PER_CONNECTION, RATE_LIMITS, type RateLimits } from './limits.ts';
import { LOCAL_REPLIES } from './local-replies.ts';
import { PROTOCOL_FILTER } from './protocol.ts';
import { rateLimitFilter } from './rate-limit.ts';
import { routes } from './routes.ts';
import { isRouted, type Rpc } from './rpc.ts';
import { transcoder } from './transcoder.ts';
import { type Config, extension } from './typed.ts';

export type BootstrapOptions = {
  /** Where callers connect. Default 0.0.0.0:8080. */
  listen?: { host: string; port: number };
  /** Where the operator of this process connects, never the world. Port 0 takes any. Default 127.0.0.1:9901. */
  admin?: { host: string; port: number };
  /** The origins of browser pages that may call, as a regular expression for the whole origin. Default any. */
  origins?: string;
  /** Default: the numbers of limits.ts. */
  rateLimits?: RateLimits;
};

/**
 * Envoy's bootstrap for these RPCs, as YAML. Envoy's working folder must hold `descriptor.binpb`, `jwks.json` (the public
 * keys of callers' tokens) and `cds.yaml` (see `renderClusters`).
 */
export function renderBootstrap(rpcs: readonly Rpc[], options: BootstrapOptions = {}): string {
  const {
    listen = { host: '0.0.0.0', port: 8080 },
    admin = { host: '127.0.0.1', port: 9901 },
    origins = '.*',
    rateLimits = RATE_LIMITS,
  } = options;
  const bootstrap = {
    node: { id: 'ingress', cluster: 'realmkeep' },
    admin: { address: socket(admin) },
    dynamic_resources: { cds_config: { path_config_source: { path: './cds.yaml' }, resource_api_version: 'V3' } },
    static_resources: {
      listeners: [
        {
          name: 'ingress',
          address: socket(listen),
          per_connection_buffer_limit_bytes: 1024 * 1024,
          filter_chains: [{ filters: [connectionManager(rpcs.filter(isRouted), { origins, rateLimits })] }],
        },
      ],
    },
  };
  return stringify(bootstrap, { lineWidth: 0, aliasDuplicateObjects: false });
}

function connectionManager(
  rpcs: readonly Rpc[],
  { origins, rateLimits }: { origins: string; rateLimits: RateLimits },
): Config {
  return extension(
    'envoy.filters.network.http_connection_manager',
    'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    {
      stat_prefix: 'ingress',
      codec_type: 'AUTO',
      use_remote_address: true,
      normalize_path: true,
      request_headers_timeout: '10s',
      http2_protocol_options: {
        max_concurrent_streams: DOWNSTREAM_STREAMS_PER_CONNECTION,
        initial_stream_window_size: 256 * 1024,
        initial_connection_window_size: 4 * 1024 * 1024,
      },
      access_log: accessLog,
      local_reply_config: LOCAL_REPLIES,
      http_filters: [
        PROTOCOL_FILTER,
        HEALTH_FILTER,
        CORS_FILTER,
        extension('envoy.filters.http.grpc_web', 'envoy.extensions.filters.http.grpc_web.v3.GrpcWeb'),
        knownFieldsFilter(rpcs),
        // Before the token is checked: one rule for a path then guards REST and gRPC alike.
        transcoder(rpcs),
        JWT_FILTER,
        rateLimitFilter(rateLimits),
        extension('envoy.filters.http.router', 'envoy.extensions.filters.http.router.v3.Router', {
          suppress_envoy_headers: true,
        }),
      ],
      route_config: routes(rpcs, { origins }),
    },
  );
}

/** `GET /healthz` answers for this process alone. */
const HEALTH_FILTER = extension(
  'envoy.filters.http.health_check',
  'envoy.extensions.filters.http.health_check.v3.HealthCheck',
  { pass_through_mode: false, headers: [{ name: ':path', string_match: { exact: '/healthz' } }] },
);

function socket({ host, port }: { host: string; port: number }): Config {
  return { socket_address: { address: host, port_value: port } };
}
