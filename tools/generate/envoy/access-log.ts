import { speaks } from './protocol.ts';
import { type Config, typed } from './typed.ts';

const FAULTS = ['DEADLINE_EXCEEDED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'];

/** One line of JSON for each call that failed on our side, without its token. The others are counted, not logged. */
export const accessLog: Config[] = [
  {
    name: 'envoy.access_loggers.stdout',
    filter: {
      or_filter: {
        filters: [
          status('GE', 500),
          failedCall('grpc', [...FAULTS, 'UNKNOWN']),
          // The status of a good gRPC-Web answer is in its body by then, which Envoy takes for UNKNOWN.
          failedCall('grpc-web', FAULTS),
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

/** Calls of a protocol that came to the end with HTTP's 200 and one of these gRPC statuses. */
function failedCall(protocol: 'grpc' | 'grpc-web', statuses: string[]): Config {
  return { and_filter: { filters: [speaks(protocol), status('EQ', 200), { grpc_status_filter: { statuses } }] } };
}

function status(op: 'EQ' | 'GE', code: number): Config {
  return { status_code_filter: { comparison: { op, value: { default_value: code, runtime_key: 'ingress.unused' } } } };
}
