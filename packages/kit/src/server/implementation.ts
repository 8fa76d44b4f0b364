import type {
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Caller } from '../auth/caller.ts';
import type { Trace } from '../telemetry/trace.ts';

/** What a handler may know of the call that it answers. */
export type CallContext = {
  readonly caller: Caller;
  /** Aborted, with an RpcError as its reason, when the caller left, its deadline passed, or a stream is drained. */
  readonly signal: AbortSignal;
  /** When the caller stops waiting, in epoch milliseconds; undefined: never. */
  readonly deadline: number | undefined;
  /** The trace that this call belongs to; undefined: none is known yet. */
  readonly trace: Trace | undefined;
  /** Sets a response header (initial metadata). Throws once the first answer is sent. */
  header(name: string, value: string): void;
};

/** Answers with a message, or with its encoded bytes. */
export type UnaryHandler<M extends DescMethodUnary> = (
  request: MessageShape<M['input']>,
  context: CallContext,
) => Promise<MessageShape<M['output']> | Uint8Array>;

/**
 * Answers with a series of messages or encoded bytes. The next one is pulled when the transport has taken the ones
 * before. It must end when the context's signal is aborted.
 */
export type ServerStreamingHandler<M extends DescMethodServerStreaming> = (
  request: MessageShape<M['input']>,
  context: CallContext,
) => AsyncIterable<MessageShape<M['output']> | Uint8Array>;

/**
 * Answers a series of requests once. Each is read from the transport when it is pulled, and is valid by the contract; one
 * that is not fails the call. It must end when the context's signal is aborted.
 */
export type ClientStreamingHandler<M extends DescMethodClientStreaming> = (
  requests: AsyncIterable<MessageShape<M['input']>>,
  context: CallContext,
) => Promise<MessageShape<M['output']> | Uint8Array>;

/** One handler for each RPC of a service. */
export type Handlers<S extends DescService> = {
  [K in keyof S['method']]: S['method'][K] extends DescMethodUnary
    ? UnaryHandler<S['method'][K]>
    : S['method'][K] extends DescMethodServerStreaming
      ? ServerStreamingHandler<S['method'][K]>
      : S['method'][K] extends DescMethodClientStreaming
        ? ClientStreamingHandler<S['method'][K]>
        : never;
};

/** A service with its handlers, ready for `createServer`. */
export type Implementation = {
  readonly service: DescService;
  readonly handlers: Readonly<Record<string, unknown>>;
};

/** Binds handlers to a service's RPCs, of which every one must be there. */
export function implement<S extends DescService>(service: S, handlers: Handlers<S>): Implementation {
  return { service, handlers };
}
