import { type Config, extension, typed } from './typed.ts';

export const CORS_FILTER: Config = extension('envoy.filters.http.cors', 'envoy.extensions.filters.http.cors.v3.Cors');

/** Which origins a browser's page may call from, as a regular expression for the whole origin. */
export function corsPolicy(origins: string): Config {
  return {
    'envoy.filters.http.cors': typed('envoy.extensions.filters.http.cors.v3.CorsPolicy', {
      allow_origin_string_match: [{ safe_regex: { regex: origins } }],
      allow_methods: 'GET, POST, PATCH, PUT, DELETE, OPTIONS',
      allow_headers: [
        'authorization',
        'content-type',
        'grpc-timeout',
        'x-grpc-web',
        'x-user-agent',
        'connect-protocol-version',
        'traceparent',
        'tracestate',
      ].join(', '),
      expose_headers: [
        'grpc-status',
        'grpc-message',
        'grpc-status-details-bin',
        'retry-after',
        'realmkeep-source',
        'realmkeep-age-ms',
        'realmkeep-followed-age-ms',
        'realmkeep-version',
      ].join(', '),
      max_age: '7200',
    }),
  };
}
