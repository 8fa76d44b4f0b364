import { readFileSync } from 'node:fs';
import { type DescMessage, getOption } from '@bufbuild/protobuf';
import { http } from '@realmkeep/proto/google/api/annotations';
import type { HttpRule } from '@realmkeep/proto/google/api/http';
import type { Rpc } from './rpc.ts';
import { type Config, extension, typed } from './typed.ts';

const FILTER = 'envoy.filters.http.lua';
const SCRIPT = 'known-fields';

/** The check of the fields in REST bodies. Off, but for the route that REST calls are on before they are transcoded. */
export function knownFieldsFilter(rpcs: readonly Rpc[]): Config {
  const code = `${tables(rpcs)}\n${readFileSync(new URL('./known-fields.lua', import.meta.url), 'utf8')}`;
  return {
    ...extension(FILTER, 'envoy.extensions.filters.http.lua.v3.Lua', {
      source_codes: { [SCRIPT]: { inline_string: code } },
    }),
    disabled: true,
  };
}

/** Turns the check on for a route. */
export const KNOWN_FIELDS: Config = {
  [FILTER]: typed('envoy.config.route.v3.FilterConfig', {
    config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute', name: SCRIPT },
  }),
};

/** The contract as the two tables of Lua that the script reads. */
function tables(rpcs: readonly Rpc[]): string {
  const numbers = new Map<string, number>();
  const messages: string[] = [];

  // A message is numbered before its fields are looked at, since messages may hold themselves.
  function numberOf(message: DescMessage): number {
    if (!message.typeName.startsWith('realmkeep.')) return 0;
    const known = numbers.get(message.typeName);
    if (known) return known;
    const number = numbers.size + 1;
    numbers.set(message.typeName, number);
    const fields = message.fields.map((field): [string, number] => {
      if (field.fieldKind === 'map') throw new Error(`${field}: maps in REST bodies are not checked yet`);
      return [field.name, field.message ? numberOf(field.message) : 0];
    });
    const names = message.fields.flatMap((field, at) =>
      [...new Set([field.name, field.jsonName])].map((name) => [name, fields[at]![1]]),
    );
    messages[number - 1] =
      `  { ${names.map(([name, inner]) => `${name} = ${inner}`).join(', ')} }, -- ${message.typeName}`;
    return number;
  }

  const bodies = rpcs.flatMap((rpc) =>
    rules(getOption(rpc.method, http)).flatMap((rule) => {
      const message = bodyOf(rpc.method.input, rule);
      if (!message || !rule.pattern.case || rule.pattern.case === 'custom') return [];
      const { case: verb, value: template } = rule.pattern;
      return [`  { '${verb.toUpperCase()}', '${pathPattern(template)}', ${numberOf(message)} }, -- ${template}`];
    }),
  );
  return ['local MESSAGES = {', ...messages, '}', 'local BODIES = {', ...bodies, '}'].join('\n');
}

function rules(rule: HttpRule): HttpRule[] {
  return [rule, ...rule.additionalBindings];
}

function bodyOf(input: DescMessage, { body }: HttpRule): DescMessage | undefined {
  if (body === '*') return input;
  return input.fields.find((field) => field.name === body)?.message;
}

/** A path template as a pattern of Lua: `/v1/players/{player_id}` becomes `^/v1/players/[^/]+/*$`. */
function pathPattern(template: string): string {
  const parts = template.split(/\{[^}]*\}/).map((part) => part.replace(/[^\w/]/g, '%$&'));
  return `^${parts.join('[^/]+')}/*$`;
}
