import { create, createRegistry, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyPack, anyUnpack } from '@bufbuild/protobuf/wkt';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '@realmkeep/proto/google/rpc/error_details';
import { StatusSchema } from '@realmkeep/proto/google/rpc/status';
import type { ErrorDetail } from './rpc-error.ts';

/** The trailer that carries an encoded google.rpc.Status. */
export const STATUS_DETAILS_TRAILER = 'grpc-status-details-bin';

const registry = createRegistry(ErrorInfoSchema, BadRequestSchema, RetryInfoSchema);

function pack(detail: ErrorDetail) {
  switch (detail.$typeName) {
    case 'google.rpc.ErrorInfo':
      return anyPack(ErrorInfoSchema, detail);
    case 'google.rpc.BadRequest':
      return anyPack(BadRequestSchema, detail);
    case 'google.rpc.RetryInfo':
      return anyPack(RetryInfoSchema, detail);
  }
}

/** Encodes an error as a google.rpc.Status. */
export function encodeStatus(code: number, message: string, details: ErrorDetail[]): Buffer {
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code, message, details: details.map(pack) }));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The details in an encoded google.rpc.Status. Details of unknown types, and bytes that are none, are left out. */
export function decodeDetails(bytes: Uint8Array): ErrorDetail[] {
  try {
    return fromBinary(StatusSchema, bytes).details.flatMap((any) => (anyUnpack(any, registry) as ErrorDetail) ?? []);
  } catch {
    return [];
  }
}
