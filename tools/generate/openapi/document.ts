import type { DescService } from '@bufbuild/protobuf';
import { stringify } from 'yaml';
import { isRouted, type Rpc } from '../envoy/rpc.ts';
import { commentOf, summaryOf } from './comment.ts';
import { createComponents } from './components.ts';
import { type Example, exampleOf } from './examples.ts';
import { operation } from './operation.ts';
import { commonResponses } from './responses.ts';
import { type RestCall, restCalls } from './rest.ts';
import type { Schema } from './schema.ts';
import { STATUS_SCHEMAS } from './status.ts';

const DESCRIPTION = `
The REST face of Realmkeep, which the ingress makes out of its gRPC services; the same calls go over gRPC and gRPC-Web.

- Requests take field names as they are here (\`area_code\`) and in camel case (\`areaCode\`); unknown fields and query parameters are refused by name.
- Answers print default values. 64-bit numbers are strings, enums are names, times are RFC 3339 in UTC.
- Errors are a google.rpc.Status: branch on the reason of its ErrorInfo, never on its message.
- The examples make one story in which later calls read what earlier ones wrote; a write that is made again is the same write, and a session that has ended stays so.
`.trim();

/**
 * The OpenAPI document of these RPCs, as YAML: everything that REST callers reach. Descriptions are the comments of the
 * contract, so the descriptors must hold their source info.
 */
export function renderOpenApi(
  rpcs: readonly Rpc[],
  { version, examples }: { version: string; examples: Example[] },
): string {
  const routed = rpcs.filter(isRouted);
  const calls = routed.flatMap(restCalls);
  const components = createComponents(calls);
  const exampleByRpc = examplesOf(calls, examples);
  const paths: Record<string, Record<string, Schema>> = {};
  for (const call of calls) {
    const example = exampleByRpc.get(call.rpc)!;
    paths[call.path] = { ...paths[call.path], [call.method]: operation(call, { components, example }) };
  }
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'Realmkeep',
      version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'Where this document came from.' }],
    tags: tagsOf(routed, calls),
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'An ES256 token with the caller’s role: player, server or admin.',
        },
      },
      headers: {
        Source: {
          description: 'Where the answer came from: l1, l2, replica or primary.',
          schema: { type: 'string', enum: ['l1', 'l2', 'replica', 'primary'] },
        },
        Age: {
          description: 'How old the answer is, in milliseconds.',
          schema: { type: 'string', pattern: '^[0-9]+$' },
        },
      },
      responses: commonResponses(),
      schemas: { ...components.schemas(), ...STATUS_SCHEMAS },
    },
  };
  return stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** The example of each RPC. Throws with all that is wrong with them at once. */
function examplesOf(calls: readonly RestCall[], examples: readonly Example[]): Map<Rpc, Example> {
  const faults: string[] = [];
  const found = new Map<Rpc, Example>();
  for (const { rpc } of calls) {
    try {
      found.set(rpc, exampleOf(rpc, examples));
    } catch (error) {
      faults.push((error as Error).message);
    }
  }
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return found;
}

/** The gRPC services, each with its comment and the streams that REST lacks. */
function tagsOf(routed: readonly Rpc[], calls: readonly RestCall[]): Schema[] {
  const services = [...new Set(routed.map(({ method }) => method.parent))];
  return services.filter((service) => calls.some(({ rpc }) => rpc.method.parent === service)).map(tag);

  function tag(service: DescService): Schema {
    const streams = routed.filter(({ method, streaming }) => streaming && method.parent === service);
    const lines = streams.map(({ method }) => `- \`${method.name}\`: ${summaryOf(commentOf(method))}.`);
    const told = lines.length > 0 ? ['', 'Streams, over gRPC and gRPC-Web only:', '', ...lines] : [];
    return { name: service.name, description: [commentOf(service), ...told].join('\n') };
  }
}
