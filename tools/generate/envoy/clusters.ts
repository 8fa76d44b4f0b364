import { stringify } from 'yaml';
import {
  CONNECTIONS_PER_HOST,
  QUEUED_REQUESTS,
  STREAM_CONNECTIONS_PER_HOST,
  STREAMS_PER_CONNECTION,
} from './limits.ts';
import { PORTAL } from './portal.ts';
import { type Config, typed } from './typed.ts';

/** Where a process of a service, or a headless name that stands for all of them, is reached. */
export type Address = { host: string; port: number };

/** The addresses of each deployable: `{ 'area-stats': [{ host: '127.0.0.1', port: 50053 }] }`. */
export type Addresses = Record<string, readonly Address[]>;

/** The cluster that an RPC is routed to: streams have one of their own, so that watches never take unary calls' streams. */
export function clusterOf({ deployable, streaming }: { deployable: string; streaming: boolean }): string {
  return streaming ? `${deployable}-streams` : deployable;
}

/**
 * The content of `cds.yaml`, which Envoy's bootstrap names: two clusters for each gRPC service, one for the
 * portal. Names are resolved again every five seconds; replace the file by a rename to change addresses while Envoy runs.
 */
export function renderClusters(addresses: Addresses): string {
  const resources = Object.entries(addresses).flatMap(([deployable, hosts]) => {
    if (deployable === PORTAL) return [cluster({ name: PORTAL, hosts, limits: pageLimits, protocol: HTTP })];
    const unary = clusterOf({ deployable, streaming: false });
    const streams = clusterOf({ deployable, streaming: true });
    return [
      cluster({ name: unary, hosts, limits: unaryLimits, protocol: GRPC }),
      cluster({ name: streams, hosts, limits: streamLimits, protocol: GRPC }),
    ];
  });
  return stringify({ resources }, { lineWidth: 0, aliasDuplicateObjects: false });
}

const retryBudget: Config = { budget_percent: { value: 20 }, min_retry_concurrency: 10 };

const unaryLimits: Config = {
  thresholds: [
    {
      max_connections: QUEUED_REQUESTS,
      max_pending_requests: QUEUED_REQUESTS,
      max_requests: QUEUED_REQUESTS,
      retry_budget: retryBudget,
    },
  ],
  per_host_thresholds: [{ max_connections: CONNECTIONS_PER_HOST }],
};

const streamLimits: Config = {
  thresholds: [
    {
      max_connections: QUEUED_REQUESTS,
      max_pending_requests: QUEUED_REQUESTS,
      max_requests: 1_000_000,
      retry_budget: retryBudget,
    },
  ],
  per_host_thresholds: [{ max_connections: STREAM_CONNECTIONS_PER_HOST }],
};

// HTTP/1.1: a connection carries one request at a time, so the bound on connections per host is not for it.
const pageLimits: Config = {
  thresholds: [{ max_pending_requests: 1_000, max_requests: 1_000, retry_budget: retryBudget }],
};

/** How a cluster is spoken to, and how it is asked for its health. */
type Protocol = { http: Config; health: Config };

const GRPC: Protocol = {
  http: {
    http2_protocol_options: {
      max_concurrent_streams: STREAMS_PER_CONNECTION,
      initial_stream_window_size: 1024 * 1024,
      initial_connection_window_size: 16 * 1024 * 1024,
      // A peer that vanished without a word is found by this, not by the requests sent to it.
      connection_keepalive: { interval: '30s', timeout: '15s' },
    },
  },
  health: { grpc_health_check: {} },
};

const HTTP: Protocol = {
  http: { http_protocol_options: {} },
  health: { http_health_check: { path: '/healthz' } },
};

function cluster({
  name,
  hosts,
  limits,
  protocol,
}: {
  name: string;
  hosts: readonly Address[];
  limits: Config;
  protocol: Protocol;
}): Config {
  return typed('envoy.config.cluster.v3.Cluster', {
    name,
    type: 'STRICT_DNS',
    dns_lookup_family: 'V4_PREFERRED',
    connect_timeout: '2s',
    lb_policy: 'LEAST_REQUEST',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: hosts.map(endpoint) }],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        {
          explicit_http_config: protocol.http,
        },
      ),
    },
    circuit_breakers: limits,
    // A process that drains answers NOT_SERVING first and closes its connections seconds later.
    health_checks: [
      {
        timeout: '2s',
        interval: '1s',
        no_traffic_interval: '1s',
        unhealthy_threshold: 2,
        healthy_threshold: 1,
        ...protocol.health,
      },
    ],
    outlier_detection: {
      split_external_local_origin_errors: true,
      consecutive_local_origin_failure: 3,
      enforcing_consecutive_local_origin_failure: 100,
      // UNAVAILABLE, ten times on end. A fault of the request (INTERNAL) does not make a host an outlier.
      consecutive_gateway_failure: 10,
      enforcing_consecutive_gateway_failure: 100,
      enforcing_consecutive_5xx: 0,
      enforcing_success_rate: 0,
      interval: '2s',
      base_ejection_time: '5s',
      max_ejection_time: '60s',
      max_ejection_percent: 50,
    },
    common_lb_config: {
      // With half of the hosts out, the rest is not asked to carry it all: every host is tried.
      healthy_panic_threshold: { value: 50 },
      ignore_new_hosts_until_first_hc: true,
    },
  });
}

function endpoint({ host, port }: Address): Config {
  return { endpoint: { address: { socket_address: { address: host, port_value: port } } } };
}
