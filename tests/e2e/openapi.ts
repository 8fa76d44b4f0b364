import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import type { Example } from '../../tools/generate/openapi/examples.ts';

/** A call as a reader of the document makes it out of an operation's examples. */
export type DocumentedCall = { method: string; path: string; body: unknown };

/** The API documents as their readers use them. */
export type OpenApi = {
  /** The call that an operation's examples are. */
  exampleOf(operationId: string): DocumentedCall;
  /** What the operation's schema says against an answer; empty when it fits, with no field that is not documented. */
  faultsOf(operationId: string, answer: unknown): string[];
};

type Parameter = { name: string; in: 'path' | 'query'; example?: unknown };
type Media = { 'application/json': { schema: { $ref: string }; example?: unknown } };
type Operation = {
  operationId: string;
  parameters?: Parameter[];
  requestBody?: { content: Media };
  responses: { 200: { content: Media } };
};

/** Reads the document. */
export function readOpenApi(text: string): OpenApi {
  const document = parse(text) as { paths: Record<string, Record<string, Operation>>; components: { schemas: object } };
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ components: { schemas: closed(document.components.schemas) } }, 'openapi');
  const find = (id: string) => {
    const found = operations.find(({ operation }) => operation.operationId === id);
    if (!found) throw new Error(`the document has no operation ${id}`);
    return found;
  };

  return {
    exampleOf: (id) => {
      const { path, method, operation } = find(id);
      const given = (operation.parameters ?? []).filter(({ example }) => example !== undefined);
      const query = given.filter(({ in: place }) => place === 'query').map(({ name, example }) => [name, `${example}`]);
      const filled = given
        .filter(({ in: place }) => place === 'path')
        .reduce((url, { name, example }) => url.replace(`{${name}}`, encodeURIComponent(`${example}`)), path);
      return {
        method,
        path: query.length > 0 ? `${filled}?${new URLSearchParams(query)}` : filled,
        body: operation.requestBody?.content['application/json'].example,
      };
    },
    faultsOf: (id, answer) => {
      const { $ref } = find(id).operation.responses[200].content['application/json'].schema;
      const validate = ajv.getSchema(`openapi${$ref}`) as ValidateFunction;
      return validate(answer)
        ? []
        : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
    },
  };
}

/** The schemas with every object closed: readers must bear new fields, but the document is to name each that there is. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return inner.type === 'object' && inner.properties ? { ...inner, additionalProperties: false } : inner;
}

/** The call with what the example takes out of earlier answers put where its own request has it. */
export function withTaken(
  call: DocumentedCall,
  { request, take = {} }: Example,
  answers: Map<string, unknown>,
): DocumentedCall {
  let text = JSON.stringify(call);
  for (const [field, from] of Object.entries(take)) {
    const [rpc, path] = from.split(' ') as [string, string];
    text = text.replaceAll(`${valueAt(request, field)}`, `${valueAt(answers.get(rpc), path)}`);
  }
  return JSON.parse(text) as DocumentedCall;
}

function valueAt(root: unknown, path: string): unknown {
  const value = path
    .split('.')
    .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], root);
  if (value === undefined) throw new Error(`there is no ${path} in ${JSON.stringify(root)}`);
  return value;
}
