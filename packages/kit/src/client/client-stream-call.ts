import { once } from 'node:events';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { Client as Channel, ClientWritableStream } from '@grpc/grpc-js';
import { endedBy, toRpcError } from './errors.ts';
import type { Prepared } from './prepared.ts';

/**
 * Sends requests as they come and resolves to the one answer. The sending is slowed down by a slow server, and ends with
 * the call. Throws an RpcError, or what the requests throw.
 */
export async function callClientStream(
  channel: Channel,
  requests: Iterable<unknown> | AsyncIterable<unknown>,
  preparing: Promise<Prepared>,
): Promise<MessageShape<DescMessage>> {
  const { service, path, metadata, calling, signals, encode, decode } = await preparing;
  const ended = endedBy(signals);
  if (ended) throw ended;
  const over = new AbortController();
  let end: (() => void) | undefined;
  let broken: { reason: unknown } | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const call = channel.makeClientStreamRequest(path, encode, decode, metadata, calling, (fault, answer) =>
        answer === undefined ? reject(fault) : resolve(answer),
      );
      end = () => call.cancel();
      for (const signal of signals) signal.addEventListener('abort', end, { once: true });
      send(call, requests, over.signal).catch((reason: unknown) => {
        broken = { reason };
        call.cancel();
      });
    });
  } catch (fault) {
    if (broken) throw broken.reason;
    throw endedBy(signals) ?? toRpcError(fault, service);
  } finally {
    over.abort();
    if (end) for (const signal of signals) signal.removeEventListener('abort', end);
  }
}

async function send(
  call: ClientWritableStream<unknown>,
  requests: Iterable<unknown> | AsyncIterable<unknown>,
  over: AbortSignal,
): Promise<void> {
  for await (const request of requests) {
    if (over.aborted) return;
    if (call.write(request)) continue;
    // A call that is over takes nothing more, and never says that it would.
    await once(call, 'drain', { signal: over }).catch(() => undefined);
  }
  if (!over.aborted) call.end();
}
