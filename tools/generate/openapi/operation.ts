import type { DescField } from '@bufbuild/protobuf';
import { getOption } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { Access_Role, access } from '@realmkeep/proto/realmkeep/options/v1/options';
import { isOpen, type Rpc } from '../envoy/rpc.ts';
import { commentOf, splitRefusals, summaryOf } from './comment.ts';
import type { Components } from './components.ts';
import type { Example } from './examples.ts';
import { fieldSchema } from './fields.ts';
import { errorResponses } from './responses.ts';
import type { RestCall, UrlField } from './rest.ts';
import { isRequired, sentencesOf } from './rules.ts';
import { ref, type Schema } from './schema.ts';

/** One call as an operation of the document. */
export function operation(
  call: RestCall,
  { components, example }: { components: Components; example: Example },
): Schema {
  const { rpc, pathFields, queryFields, body } = call;
  const { text, refusals } = splitRefusals(commentOf(rpc.method));
  const parameters = [
    ...pathFields.map((field) => parameter(field, 'path', { components, example })),
    ...queryFields.map((field) => parameter(field, 'query', { components, example })),
  ];
  // The rules of a body are told by its schema.
  const rules = body ? [] : sentencesOf(rpc.method.input);
  return {
    operationId: rpc.method.name,
    summary: summaryOf(text),
    description: [text, ...rules, '', callers(rpc), '', REPEATS[rpc.method.idempotency], ...hintOf(example)].join('\n'),
    tags: [rpc.method.parent.name],
    security: isOpen(rpc) ? [{}, { token: [] }] : [{ token: [] }],
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: requestBody(body, { components, example }) }),
    responses: {
      200: {
        description: 'The answer.',
        headers: { 'realmkeep-source': ref('headers', 'Source'), 'realmkeep-age-ms': ref('headers', 'Age') },
        content: { 'application/json': { schema: components.of(rpc.method.output) } },
      },
      ...errorResponses(call, refusals),
    },
    'x-roles': roleNames(rpc),
    'x-idempotency': MethodOptions_IdempotencyLevel[rpc.method.idempotency],
  };
}

const REPEATS: Record<MethodOptions_IdempotencyLevel, string> = {
  [MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS]: 'Changes nothing.',
  [MethodOptions_IdempotencyLevel.IDEMPOTENT]: 'Safe to repeat: the same call again is one change.',
  [MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN]: 'Not safe to repeat.',
};

function callers(rpc: Rpc): string {
  const { ownership } = getOption(rpc.method, access);
  const held = ownership.case === 'subjectField' ? `, a player with its own \`${ownership.value}\` only` : '';
  return `Who may call: ${roleNames(rpc).join(', ')}${held}.`;
}

/** The roles whose tokens may call, in lower case as tokens have them. An admin may call what anyone may. */
function roleNames(rpc: Rpc): string[] {
  const roles = rpc.roles.filter((role) => role !== Access_Role.SERVICE);
  return [...new Set([...roles, Access_Role.ADMIN])]
    .filter((role) => !isOpen(rpc) || role === Access_Role.ANYONE)
    .map((role) => Access_Role[role].toLowerCase());
}

function hintOf({ take = {} }: Example): string[] {
  return Object.entries(take).flatMap(([field, from]) => [
    '',
    `In the example, take \`${field}\` out of an answer of ${from.split(' ')[0]}.`,
  ]);
}

type Parts = { components: Components; example: Example };

function parameter({ name, field }: UrlField, place: 'path' | 'query', { components, example }: Parts): Schema {
  const { description, ...schema } = fieldSchema(field, components.of);
  const value = name.split('.').reduce<unknown>((inner, key) => (inner as Schema | undefined)?.[key], example.request);
  return {
    name,
    in: place,
    required: place === 'path' || isRequired(field),
    description,
    schema,
    ...(value !== undefined && { example: value }),
  };
}

function requestBody(body: NonNullable<RestCall['body']>, { components, example }: Parts): Schema {
  const given = new Set(body.fields.map(({ name }: DescField) => name));
  const value = Object.fromEntries(Object.entries(example.request).filter(([name]) => given.has(name)));
  return {
    required: body.fields.length > 0,
    content: { 'application/json': { schema: components.body(body), example: value } },
  };
}
