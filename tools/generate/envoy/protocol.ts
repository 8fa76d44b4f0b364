import { type Config, extension } from './typed.ts';

/**
 * How a caller speaks, noted before any filter rewrites the request: the transcoder makes a REST call look like gRPC, and
 * so does the gRPC-Web filter, but each must be refused in its own form.
 */
export const PROTOCOL_FILTER: Config = extension(
  'envoy.filters.http.header_to_metadata',
  'envoy.extensions.filters.http.header_to_metadata.v3.Config',
  {
    request_rules: [
      {
        header: 'content-type',
        on_header_present: {
          metadata_namespace: 'realmkeep',
          key: 'protocol',
          type: 'STRING',
          regex_value_rewrite: {
            pattern: { regex: '^application/grpc(-web)?.*$' },
            substitution: 'grpc\\1',
          },
        },
        remove: false,
      },
    ],
  },
);

/** An access log filter that lets through the calls of one protocol. */
export function speaks(protocol: 'grpc' | 'grpc-web'): Config {
  return {
    metadata_filter: {
      matcher: {
        filter: 'realmkeep',
        path: [{ key: 'protocol' }],
        value: { string_match: { exact: protocol } },
      },
      match_if_key_not_found: false,
    },
  };
}
