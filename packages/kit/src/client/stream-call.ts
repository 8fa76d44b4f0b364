import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { Client as Channel } from '@grpc/grpc-js';
import { endedBy, toRpcError } from './errors.ts';
import type { Prepared } from './prepared.ts';

/**
 * Reads a server stream. The call is made when reading begins, and ended when reading ends; the server is slowed down
 * by a slow reader. Throws an RpcError.
 */
export async function* callStream(
  channel: Channel,
  request: unknown,
  prepare: () => Promise<Prepared>,
): AsyncGenerator<MessageShape<DescMessage>> {
  const { service, path, metadata, calling, signals, encode, decode } = await prepare();
  const ended = endedBy(signals);
  if (ended) throw ended;
  const call = channel.makeServerStreamRequest(path, encode, decode, request, metadata, calling);
  const end = () => call.cancel();
  for (const signal of signals) signal.addEventListener('abort', end, { once: true });
  try {
    for await (const answer of call) yield answer;
  } catch (fault) {
    throw endedBy(signals) ?? toRpcError(fault, service);
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', end);
    // Cancelling what has ended does nothing; what is left to report of it is of no interest.
    call.on('error', () => undefined);
    call.cancel();
  }
}
