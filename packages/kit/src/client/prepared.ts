import type { DescMethod, MessageShape } from '@bufbuild/protobuf';
import type { CallOptions as Calling, Metadata } from '@grpc/grpc-js';

/** One call, ready to be made. */
export type Prepared = {
  readonly service: string;
  readonly path: string;
  readonly metadata: Metadata;
  readonly calling: Calling;
  /** Either of them ends the call. */
  readonly signals: AbortSignal[];
  readonly encode: (request: unknown) => Buffer;
  readonly decode: (bytes: Buffer) => MessageShape<DescMethod['output']>;
};
