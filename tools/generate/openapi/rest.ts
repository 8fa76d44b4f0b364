import { type DescField, type DescMessage, getOption } from '@bufbuild/protobuf';
import { http } from '@realmkeep/proto/google/api/annotations';
import type { HttpRule } from '@realmkeep/proto/google/api/http';
import type { Rpc } from '../envoy/rpc.ts';
import { isWellKnown } from './well-known.ts';

/** Where a field of the request goes in the URL, by its path in proto names: `position.x`. */
export type UrlField = { name: string; field: DescField };

/** One way to call an RPC over REST. */
export type RestCall = {
  rpc: Rpc;
  method: 'get' | 'put' | 'post' | 'delete' | 'patch';
  /** The path with its fields in braces: `/v1/players/{player_id}/state`. */
  path: string;
  pathFields: UrlField[];
  queryFields: UrlField[];
  /** The message that the body is, and which of its fields; undefined: there is no body. */
  body: { message: DescMessage; fields: DescField[] } | undefined;
};

/** How an RPC is called over REST; none for streams, which are gRPC and gRPC-Web only. */
export function restCalls(rpc: Rpc): RestCall[] {
  const rule = getOption(rpc.method, http);
  if (rpc.streaming || !rule.pattern.case) return [];
  return [rule, ...rule.additionalBindings].map((each) => restCall(rpc, each));
}

function restCall(rpc: Rpc, { pattern, body }: HttpRule): RestCall {
  if (!pattern.case || pattern.case === 'custom') throw new Error(`${rpc.path}: only the usual HTTP methods are shown`);
  const input = rpc.method.input;
  const named = (name: string): DescField => {
    const field = input.fields.find((each) => each.name === name);
    if (!field) throw new Error(`${rpc.path}: ${input.typeName} has no field ${name}`);
    return field;
  };
  const inPath = [...pattern.value.matchAll(/\{([^}=]+)\}/g)].map(([, name]) => named(name!));
  const rest = input.fields.filter((field) => !inPath.includes(field));
  const common = {
    rpc,
    method: pattern.case,
    path: pattern.value,
    pathFields: inPath.map((field) => ({ name: field.name, field })),
  };
  if (body === '*') return { ...common, queryFields: [], body: { message: input, fields: rest } };
  const bodyField = body ? named(body) : undefined;
  return {
    ...common,
    queryFields: rest.filter((field) => field !== bodyField).flatMap((field) => urlFields(field, '')),
    body: bodyField?.message && { message: bodyField.message, fields: bodyField.message.fields },
  };
}

function urlFields(field: DescField, prefix: string): UrlField[] {
  const name = `${prefix}${field.name}`;
  if (field.fieldKind !== 'message' || isWellKnown(field.message)) return [{ name, field }];
  return field.message.fields.flatMap((inner) => urlFields(inner, `${name}.`));
}
