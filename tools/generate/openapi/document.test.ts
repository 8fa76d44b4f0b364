import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { descriptorSetPath } from '@realmkeep/proto/descriptors';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { isRouted, readRpcs } from '../envoy/rpc.ts';
import { splitRefusals } from './comment.ts';
import { exampleOf } from './examples.ts';

const text = readFileSync(
  fileURLToPath(new URL('../../../services/portal/pages/openapi.yaml', import.meta.url)),
  'utf8',
);

type Operation = {
  operationId: string;
  description: string;
  security: object[];
  'x-roles': string[];
  'x-idempotency': string;
  parameters?: { name: string; in: string; required: boolean; schema: object }[];
  requestBody?: { content: { 'application/json': { schema: object } } };
  responses: Record<string, { 'x-reasons'?: string[]; $ref?: string }>;
};
type Document = {
  paths: Record<string, Record<string, Operation>>;
  components: {
    responses: Record<string, { 'x-reasons': string[] }>;
    schemas: Record<string, { properties: Record<string, object>; required?: string[]; enum?: string[] }>;
  };
};

const document = parse(text) as Document;
const rpcs = readRpcs(descriptorSetPath);
const operations = Object.values(document.paths).flatMap((path) => Object.values(path));

function operation(id: string): Operation {
  return operations.find(({ operationId }) => operationId === id)!;
}

test('the document is valid OpenAPI, and its examples fit their schemas', async () => {
  const config = await createConfig({
    extends: ['recommended'],
    rules: {
      'no-invalid-media-type-examples': 'error',
      'no-invalid-parameter-examples': 'error',
    },
  });
  const problems = await lintFromString({ source: text, absoluteRef: 'openapi.yaml', config });
  expect(problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`)).toEqual([]);
});

test('every RPC that callers reach over REST is one operation, and no internal one is', () => {
  const reached = rpcs.filter((rpc) => isRouted(rpc) && !rpc.streaming).map(({ method }) => method.name);
  expect(operations.map(({ operationId }) => operationId).sort()).toEqual(reached.sort());
});

test('streams are told to be over gRPC only', () => {
  expect(text).toContain('- `WatchPlayerState`: Streams');
});

test('the limits of the contract are the limits of the document', () => {
  const { schemas } = document.components;
  expect(schemas.CreatePlayerRequest).toMatchObject({
    properties: { player_id: { format: 'uuid' }, display_name: { minLength: 1, maxLength: 255 } },
    required: ['player_id', 'display_name'],
  });
  expect(schemas.ApplyTransactionRequest!.properties.operations).toMatchObject({ minItems: 1, maxItems: 100 });
  expect(schemas.Credit!.properties).toMatchObject({
    currency: { pattern: '^[a-z0-9][a-z0-9_-]{0,63}$' },
    amount: { type: 'string', format: 'int64', pattern: '^[1-9][0-9]*$' },
  });
  expect(schemas['GetPlayerStateRequest.View']!.enum).toEqual(['UNSPECIFIED', 'BASIC', 'FULL']);
  expect(operation('ListItemLocations').description).toContain('Rule: exactly one of player_id, location_id');
  expect(operation('ListTransactions').parameters).toMatchObject([
    { name: 'player_id', in: 'path', required: true },
    { name: 'page_size', in: 'query', required: false, schema: { minimum: 0, maximum: 1000 } },
    { name: 'page_token', in: 'query' },
  ]);
});

test('a field of the path is not in the body', () => {
  expect(Object.keys(document.components.schemas.UpdatePlayerRequest!.properties)).toEqual([
    'display_name',
    'expected_version',
  ]);
});

test('roles, ownership and repeats are those of the contract', () => {
  expect(operation('GetAreaStats')).toMatchObject({ security: [{}, { token: [] }], 'x-roles': ['anyone'] });
  const state = operation('GetPlayerState');
  expect(state).toMatchObject({
    security: [{ token: [] }],
    'x-roles': ['player', 'server', 'admin'],
    'x-idempotency': 'NO_SIDE_EFFECTS',
  });
  expect(state.description).toContain('a player with its own `player_id` only');
  expect(operation('ApplyTransaction')['x-idempotency']).toBe('IDEMPOTENT');
});

test('refusals are answers by HTTP status, each with its reasons', () => {
  const { responses } = operation('ApplyTransaction');
  expect(responses[404]!['x-reasons']).toEqual(['PLAYER_NOT_FOUND', 'ITEM_NOT_FOUND']);
  expect(responses[409]!['x-reasons']).toEqual(['VERSION_MISMATCH', 'TRANSACTION_ID_REUSED']);
  expect(responses[400]!['x-reasons']).toEqual(
    expect.arrayContaining(['INSUFFICIENT_BALANCE', 'INVENTORY_FULL', 'INVALID_ARGUMENT', 'MALFORMED_REQUEST']),
  );
  expect(responses[503]!.$ref).toBe('#/components/responses/Error503');
});

test('the refusals of the ingress are told beside those of the services', () => {
  const reasons = (status: number) => document.components.responses[`Error${status}`]!['x-reasons'];
  expect(reasons(400)).toEqual(['INVALID_ARGUMENT', 'MALFORMED_REQUEST']);
  expect(reasons(401)).toEqual(['TOKEN_MISSING', 'TOKEN_INVALID', 'TOKEN_EXPIRED', 'UNAUTHENTICATED']);
  expect(reasons(403)).toEqual(['ROLE_NOT_ALLOWED', 'NOT_YOUR_DATA']);
  expect(reasons(429)).toEqual(['RESOURCE_EXHAUSTED', 'RATE_LIMITED']);
  expect(reasons(503)).toEqual(['UNAVAILABLE', 'UPSTREAM_UNAVAILABLE']);
  expect(reasons(504)).toEqual(['DEADLINE_EXCEEDED', 'UPSTREAM_TIMEOUT']);
});

test('a comment is split into what the RPC does and what it refuses', () => {
  const comment = 'Does it.\n\nNOT_FOUND A_GONE, B_GONE: neither is there.\nABORTED STALE: read again: then retry.';
  expect(splitRefusals(comment)).toEqual({
    text: 'Does it.',
    refusals: [
      { code: 'NOT_FOUND', reasons: ['A_GONE', 'B_GONE'], meaning: 'neither is there.' },
      { code: 'ABORTED', reasons: ['STALE'], meaning: 'read again: then retry.' },
    ],
  });
});

test('an RPC without an example, or with one that breaks a rule, is refused by name', () => {
  const rpc = rpcs.find(({ method }) => method.name === 'GetAreaStats')!;
  const example = { rpc: 'AreaStatsService/GetAreaStats', as: 'anyone' as const };
  expect(() => exampleOf(rpc, [])).toThrow('AreaStatsService/GetAreaStats has no example');
  expect(() => exampleOf(rpc, [{ ...example, request: { area_code: '' } }])).toThrow('area_code');
  expect(() => exampleOf(rpc, [{ ...example, request: { area: '1' } }])).toThrow('is no GetAreaStatsRequest');
});
