import { status } from '@grpc/grpc-js';
import { ref, type Schema } from './schema.ts';

/** The HTTP status that REST callers see for each gRPC code. */
export const HTTP_STATUS = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  OUT_OF_RANGE: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  ABORTED: 409,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
} as const satisfies Partial<Record<keyof typeof status, number>>;

/** A gRPC code that errors have. */
export type Code = keyof typeof HTTP_STATUS;

/** A short error answer with its ErrorInfo alone. */
export function statusExample({
  code,
  reason,
  meaning,
  domain,
}: Record<'reason' | 'meaning' | 'domain', string> & { code: Code }): Schema {
  const info = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain, metadata: {} };
  return { code: status[code], message: meaning.replace(/\.$/, ''), details: [info] };
}

/** The body of every error: google.rpc.Status in its JSON form. */
export const STATUS_SCHEMAS: Record<string, Schema> = {
  Status: {
    type: 'object',
    description: 'An error: google.rpc.Status. Branch on the reason of its ErrorInfo, never on the message.',
    properties: {
      code: { type: 'integer', format: 'int32', description: 'The gRPC code, by google.rpc.Code.' },
      message: { type: 'string', description: 'What is wrong, for developers.' },
      details: {
        type: 'array',
        description:
          'Exactly one ErrorInfo; with INVALID_ARGUMENT a BadRequest too, and with what may be retried a RetryInfo.',
        items: { oneOf: [ref('schemas', 'ErrorInfo'), ref('schemas', 'BadRequest'), ref('schemas', 'RetryInfo')] },
      },
    },
    required: ['code', 'message', 'details'],
  },
  ErrorInfo: detail('google.rpc.ErrorInfo', 'Why the call was refused.', {
    reason: { type: 'string', description: 'The reason to branch on, in UPPER_SNAKE_CASE.' },
    domain: { type: 'string', description: 'Who refused: `<service>.realmkeep`, or `ingress.realmkeep`.' },
    metadata: { type: 'object', additionalProperties: { type: 'string' }, description: 'Facts for programs.' },
  }),
  BadRequest: detail('google.rpc.BadRequest', 'The fields that break a rule.', {
    field_violations: {
      type: 'array',
      description: 'The first 25 of them.',
      items: {
        type: 'object',
        properties: {
          field: { type: 'string', description: 'The path of the field: `operations[3].credit.amount`.' },
          description: { type: 'string', description: 'What is wrong with it.' },
        },
        required: ['field', 'description'],
      },
    },
  }),
  RetryInfo: detail('google.rpc.RetryInfo', 'When the same call may be made again.', {
    retry_delay: { type: 'string', description: 'How long to wait before, in seconds: `1s`.' },
  }),
};

function detail(type: string, description: string, properties: Record<string, Schema>): Schema {
  return {
    type: 'object',
    description,
    properties: { '@type': { type: 'string', const: `type.googleapis.com/${type}` }, ...properties },
    required: ['@type', ...Object.keys(properties)],
  };
}
