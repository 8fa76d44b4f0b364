import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { Client as Channel } from '@grpc/grpc-js';
import { endedBy, toRpcError } from './errors.ts';
import type { Prepared } from './prepared.ts';

/** Makes a unary call. Throws an RpcError. */
export async function callUnary(
  channel: Channel,
  request: unknown,
  preparing: Promise<Prepared>,
): Promise<MessageShape<DescMessage>> {
  const { service, path, metadata, calling, signals, encode, decode } = await preparing;
  const ended = endedBy(signals);
  if (ended) throw ended;
  let end: (() => void) | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const call = channel.makeUnaryRequest(path, encode, decode, request, metadata, calling, (fault, answer) =>
        answer === undefined ? reject(fault) : resolve(answer),
      );
      end = () => call.cancel();
      for (const signal of signals) signal.addEventListener('abort', end, { once: true });
    });
  } catch (fault) {
    throw endedBy(signals) ?? toRpcError(fault, service);
  } finally {
    if (end) for (const signal of signals) signal.removeEventListener('abort', end);
  }
}
