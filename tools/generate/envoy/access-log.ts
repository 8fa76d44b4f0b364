import { type Config, typed } from './typed.ts';

/** One line of JSON for each call that failed on our side, without its token. The others are counted, not logged. */
export const accessLog: Config[] = [
  {
    name: 'envoy.access_loggers.stdout',
    filter: {
      or_filter: {
        filters: [
          status('GE', 500),
          {
            and_filter: {
              filters: [
                status('EQ', 200),
                { header_filter: { header: { name: 'content-type', string_match: { prefix: 'application/grpc' } } } },
                {
                  grpc_status_filter: {
                    statuses: ['UNKNOWN', 'DEADLINE_EXCEEDED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    typed_config: typed('envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', {
      log_format: {
        json_format: {
          time: '%START_TIME%',
          method: '%REQ(:METHOD)%',
          path: '%PATH(NQ)%',
          status: '%RESPONSE_CODE%',
          grpc_status: '%GRPC_STATUS(CAMEL_STRING)%',
          flags: '%RESPONSE_FLAGS%',
          details: '%RESPONSE_CODE_DETAILS%',
          duration_ms: '%DURATION%',
          upstream: '%UPSTREAM_HOST%',
          tries: '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
          request_id: '%REQ(X-REQUEST-ID)%',
        },
      },
    }),
  },
];

function status(op: 'EQ' | 'GE', code: number): Config {
  return { status_code_filter: { comparison: { op, value: { default_value: code, runtime_key: 'ingress.unused' } } } };
}
