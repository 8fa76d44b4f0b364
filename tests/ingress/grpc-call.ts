import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { answerOf, type GrpcAnswer } from './answer.ts';

export type GrpcCaller = {
  /** Calls by path with an encoded request; an error is an answer too. */
  call(path: string, options?: { token?: string; request?: Uint8Array }): Promise<GrpcAnswer>;
  close(): void;
};

/** A gRPC client with one connection. */
export function createGrpcCaller(port: number): GrpcCaller {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.enable_channelz': 0 });
  return {
    call: (path, { token, request = new Uint8Array() } = {}) => {
      const metadata = new Metadata();
      if (token) metadata.set('authorization', `Bearer ${token}`);
      return new Promise((resolve) => {
        const toBuffer = (bytes: Uint8Array) => Buffer.from(bytes);
        const done = (error: ServiceError | null, body: Buffer | undefined) => {
          const details = error?.metadata.get('grpc-status-details-bin')[0];
          resolve(
            answerOf(
              error?.code ?? 0,
              error?.details ?? '',
              details instanceof Buffer ? details : undefined,
              body ?? new Uint8Array(),
            ),
          );
        };
        client.makeUnaryRequest(path, toBuffer, (bytes) => bytes, request, metadata, done);
      });
    },
    close: () => client.close(),
  };
}
