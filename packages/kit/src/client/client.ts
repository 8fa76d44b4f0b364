import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodClientStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client as Channel, credentials, Metadata } from '@grpc/grpc-js';
import type { ServiceTokens } from '../auth/service-tokens.ts';
import { internal } from '../errors/common.ts';
import type { CallContext } from '../server/implementation.ts';
import { formatTraceparent } from '../telemetry/trace.ts';
import { callClientStream } from './client-stream-call.ts';
import { lookUpEvery, targetOf } from './name-lookups.ts';
import type { Prepared } from './prepared.ts';
import { serviceConfigOf } from './service-config.ts';
import { callStream } from './stream-call.ts';
import { callUnary } from './unary-call.ts';

/** How one call is made. */
export type CallOptions = {
  /** The call that this one is made for: its deadline, its end and its trace go along. */
  context?: Pick<CallContext, 'deadline' | 'signal' | 'trace'>;
  /** Default: the client's for unary calls, none for streams. */
  timeoutMs?: number;
  signal?: AbortSignal;
};

/** What a client stream sends. The next is pulled when the transport has taken the ones before. */
export type Requests<I extends DescMessage> = Iterable<MessageInitShape<I>> | AsyncIterable<MessageInitShape<I>>;

/** A service seen from a caller. Every fault is an RpcError. */
export type Client<S extends DescService> = {
  [K in keyof S['method']]: S['method'][K] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : S['method'][K] extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options?: CallOptions) => AsyncIterable<MessageShape<O>>
      : S['method'][K] extends DescMethodClientStreaming<infer I, infer O>
        ? (requests: Requests<I>, options?: CallOptions) => Promise<MessageShape<O>>
        : never;
};

export type ClientSettings = {
  /** host:port (every address of the name is used, in turn), or a gRPC target such as `ipv4:10.0.0.1:1,10.0.0.2:1`. */
  address: string;
  /** Makes the token of each call; absent: calls carry none. */
  serviceTokens?: ServiceTokens;
  /** The longest that a unary call waits. Default 5,000. */
  timeoutMs?: number;
  /** How often the name is looked up, to find servers that were added. Default 30,000. */
  lookUpEveryMs?: number;
};

const TRANSPORT = {
  'grpc.enable_channelz': 0,
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  // A client of its own has connections of its own, so that closing one ends nobody else's.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 5_000,
  // A name is looked up again this soon when a connection is lost, to find the replicas that came instead.
  'grpc.dns_min_time_between_resolutions_ms': 1_000,
  // How calls are made is said here; a lookup does not ask for TXT records as well.
  'grpc.service_config_disable_resolution': 1,
};

/**
 * Makes a client. Its connections are made at the first call and shared by all; `close` ends them.
 *
 * A unary call ends at the sooner of its own timeout and its context's deadline. What the contract declares safe is
 * made again when it was UNAVAILABLE; nothing else ever is, unless the server has not seen it.
 */
export function createClient<S extends DescService>(
  service: S,
  { address, serviceTokens, timeoutMs: usualTimeoutMs = 5_000, lookUpEveryMs = 30_000 }: ClientSettings,
): Client<S> & { close(): void } {
  const channel = new Channel(targetOf(address), credentials.createInsecure(), {
    ...TRANSPORT,
    ...lookUpEvery(lookUpEveryMs),
    'grpc.service_config': serviceConfigOf(service),
  });

  async function prepare(method: DescMethod, { context, timeoutMs, signal }: CallOptions): Promise<Prepared> {
    const metadata = new Metadata();
    if (serviceTokens) metadata.set('authorization', `Bearer ${await tokenOf(serviceTokens)}`);
    metadata.set('traceparent', formatTraceparent(context?.trace));
    const own = timeoutMs ?? (method.methodKind === 'unary' ? usualTimeoutMs : Number.POSITIVE_INFINITY);
    const deadline = Math.min(Date.now() + own, context?.deadline ?? Number.POSITIVE_INFINITY);
    return {
      service: service.typeName,
      path: `/${service.typeName}/${method.name}`,
      metadata,
      calling: Number.isFinite(deadline) ? { deadline } : {},
      signals: [context?.signal, signal].filter((given) => given !== undefined),
      encode: (request) =>
        asBuffer(toBinary(method.input, create(method.input, request as MessageInitShape<typeof method.input>))),
      decode: (bytes) => fromBinary(method.output, bytes),
    };
  }

  function callOf(method: DescMethod) {
    switch (method.methodKind) {
      case 'unary':
        return (request: unknown, options: CallOptions = {}) => callUnary(channel, request, prepare(method, options));
      case 'client_streaming':
        return (requests: Iterable<unknown> | AsyncIterable<unknown>, options: CallOptions = {}) =>
          callClientStream(channel, requests, prepare(method, options));
      default:
        return (request: unknown, options: CallOptions = {}) =>
          callStream(channel, request, () => prepare(method, options));
    }
  }

  const calls = service.methods.map((method) => [method.localName, callOf(method)]);
  return { ...(Object.fromEntries(calls) as Client<S>), close: () => channel.close() };
}

async function tokenOf(serviceTokens: ServiceTokens): Promise<string> {
  try {
    return await serviceTokens.token();
  } catch (fault) {
    throw internal(fault);
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
