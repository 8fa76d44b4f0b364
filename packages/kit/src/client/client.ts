import type {
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { ServiceTokens } from '../auth/service-tokens.ts';
import type { CallContext } from '../server/implementation.ts';

/** How one call is made. */
export type CallOptions = {
  /** The call that this one is made for: its deadline, its end and its trace go along. */
  context?: Pick<CallContext, 'deadline' | 'signal' | 'trace'>;
  /** Default: the client's for unary calls, none for streams. */
  timeoutMs?: number;
  signal?: AbortSignal;
};

/** A service seen from a caller. Every fault is an RpcError. */
export type Client<S extends DescService> = {
  [K in keyof S['method']]: S['method'][K] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : S['method'][K] extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options?: CallOptions) => AsyncIterable<MessageShape<O>>
      : never;
};

export type ClientSettings = {
  /** host:port (every address of the name is used, in turn), or a gRPC target such as `ipv4:10.0.0.1:1,10.0.0.2:1`. */
  address: string;
  /** Makes the token of each call; absent: calls carry none. */
  serviceTokens?: ServiceTokens;
  /** The longest that a unary call waits. Default 5,000. */
  timeoutMs?: number;
};

export declare function createClient<S extends DescService>(
  service: S,
  settings: ClientSettings,
): Client<S> & { close(): void };
