import { speaks } from './protocol.ts';
import { detailsHeader, detailsJson } from './refusal-details.ts';
import { REFUSALS, type Refusal } from './refusals.ts';
import type { Config } from './typed.ts';

const ENVOYS_WORDS = '%LOCAL_REPLY_BODY%';

/**
 * What Envoy's own refusals look like: a google.rpc.Status with details, in trailers for gRPC, as an answer of headers
 * only for gRPC-Web, and as a JSON body for REST. The first mapper that matches is taken.
 */
export const LOCAL_REPLIES: Config = {
  mappers: [...REFUSALS.map(grpc), ...REFUSALS.map(grpcWeb), ...REFUSALS.map(rest)],
};

function grpc(refusal: Refusal): Config {
  return {
    filter: { and_filter: { filters: [speaks('grpc'), gives(refusal.on)] } },
    body_format_override: { text_format_source: { inline_string: words(refusal) } },
    headers_to_add: grpcHeaders(refusal),
  };
}

function grpcWeb(refusal: Refusal): Config {
  return {
    filter: { and_filter: { filters: [speaks('grpc-web'), gives(refusal.on)] } },
    status_code: 200,
    body_format_override: { text_format_source: { inline_string: '' }, content_type: 'application/grpc-web+proto' },
    headers_to_add: [...grpcHeaders(refusal), header('grpc-message', refusal.message)],
  };
}

function rest(refusal: Refusal): Config {
  return {
    filter: gives(refusal.on),
    ...(refusal.http && { status_code: refusal.http }),
    body_format_override: {
      content_type: 'application/json',
      json_format: { code: refusal.code, message: words(refusal), details: detailsJson(refusal) },
    },
    ...(refusal.retryAfterSeconds && {
      headers_to_add: [header('retry-after', String(refusal.retryAfterSeconds))],
    }),
  };
}

function words({ message, envoySaysMore }: Refusal): string {
  return envoySaysMore ? `${message}: ${ENVOYS_WORDS}` : message;
}

function grpcHeaders(refusal: Refusal): Config[] {
  return [
    header('grpc-status', String(refusal.grpcCode ?? refusal.code)),
    header('grpc-status-details-bin', detailsHeader(refusal)),
  ];
}

function header(key: string, value: string): Config {
  return { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' };
}

function gives(status: Refusal['on']): Config {
  if (typeof status === 'number') return compare('EQ', status);
  return { and_filter: { filters: [compare('GE', status[0]), compare('LE', status[1])] } };
}

function compare(op: 'EQ' | 'GE' | 'LE', status: number): Config {
  return {
    status_code_filter: { comparison: { op, value: { default_value: status, runtime_key: 'ingress.unused' } } },
  };
}
