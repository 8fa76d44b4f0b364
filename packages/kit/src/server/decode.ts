import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { invalidArgument } from '../errors/common.ts';
import type { Interceptor } from './steps.ts';

// Fields that this version does not know are dropped, as protobuf has it: a newer caller is no fault.
const OPTIONS = { readUnknownFields: false };

/**
 * Decodes a request.
 *
 * @throws INVALID_ARGUMENT when the bytes are no such message
 */
export function decodeRequest<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes, OPTIONS);
  } catch {
    throw invalidArgument([{ field: '', description: `the request can not be decoded as ${schema.typeName}` }]);
  }
}

/** The step that decodes the one request. */
export const decode: Interceptor = (call, next) => {
  const { request } = call.surface;
  if (!request) throw new Error('a client stream has no one request');
  call.request = decodeRequest(call.method.desc.input, request);
  return next(call);
};
