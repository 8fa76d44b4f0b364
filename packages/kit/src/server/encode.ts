import { create, type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { ErrorInfoSchema } from '@realmkeep/proto/google/rpc/error_details';
import { RpcError } from '../errors/rpc-error.ts';

/** The most bytes that a request or an answer may have. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/**
 * Encodes an answer; bytes are handed over as they are.
 *
 * @throws RESOURCE_EXHAUSTED RESPONSE_TOO_LARGE when it passes 4 MB
 */
export function encode(schema: DescMessage, answer: MessageShape<DescMessage> | Uint8Array): Buffer {
  const bytes = answer instanceof Uint8Array ? answer : toBinary(schema, answer);
  if (bytes.byteLength > MAX_MESSAGE_BYTES) {
    throw new RpcError(status.RESOURCE_EXHAUSTED, `the answer has ${bytes.byteLength} bytes: ask for less`, [
      create(ErrorInfoSchema, { reason: 'RESPONSE_TOO_LARGE' }),
    ]);
  }
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
