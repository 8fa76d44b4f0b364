import {
  type DescMethod,
  type DescMethodStreaming,
  type DescMethodUnary,
  fromJson,
  type JsonValue,
  type Registry,
  toJson,
} from '@bufbuild/protobuf';
import type { Transport } from '@connectrpc/connect';

/**
 * Calls `method` with a request in protobuf JSON and yields each answer in the JSON form that REST has: field names
 * as in the proto, defaults printed. A request that does not fit the contract throws before anything is sent; a
 * refusal throws a ConnectError.
 */
export async function* send(
  transport: Transport,
  method: DescMethod,
  request: JsonValue,
  registry: Registry,
): AsyncGenerator<JsonValue> {
  const message = fromJson(method.input, request, { registry });
  const options = { registry, useProtoFieldName: true, alwaysEmitImplicit: true };
  if (method.methodKind === 'unary') {
    const answer = await transport.unary(method as DescMethodUnary, undefined, undefined, undefined, message);
    yield toJson(method.output, answer.message, options);
    return;
  }
  const one = (async function* () {
    yield message;
  })();
  const answers = await transport.stream(method as DescMethodStreaming, undefined, undefined, undefined, one);
  for await (const answer of answers.message) {
    yield toJson(method.output, answer, options);
  }
}
