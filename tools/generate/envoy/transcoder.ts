import { MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES } from './limits.ts';
import type { Rpc } from './rpc.ts';
import { type Config, extension } from './typed.ts';

/**
 * REST by the `google.api.http` rules of the descriptor set. Errors of the services become a google.rpc.Status as JSON;
 * details resolve because their messages are in the descriptor set.
 */
export function transcoder(rpcs: readonly Rpc[]): Config {
  return extension(
    'envoy.filters.http.grpc_json_transcoder',
    'envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder',
    {
      proto_descriptor: './descriptor.binpb',
      services: [...new Set(rpcs.map((rpc) => rpc.service))],
      convert_grpc_status: true,
      print_options: { always_print_primitive_fields: true, preserve_proto_field_names: true },
      request_validation_options: {
        reject_unknown_method: true,
        reject_unknown_query_parameters: true,
        reject_binding_body_field_collisions: true,
      },
      query_param_unescape_plus: true,
      max_request_body_size: MAX_REQUEST_BYTES,
      max_response_body_size: MAX_RESPONSE_BYTES,
    },
  );
}
