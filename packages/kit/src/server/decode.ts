import { fromBinary } from '@bufbuild/protobuf';
import { invalidArgument } from '../errors/common.ts';
import type { Interceptor } from './steps.ts';

// Fields that this version does not know are dropped, as protobuf has it: a newer caller is no fault.
const OPTIONS = { readUnknownFields: false };

/** The step that decodes the request. Bytes that are no such message are INVALID_ARGUMENT. */
export const decode: Interceptor = (call, next) => {
  const schema = call.method.desc.input;
  try {
    call.request = fromBinary(schema, call.surface.request, OPTIONS);
  } catch {
    throw invalidArgument([{ field: '', description: `the request can not be decoded as ${schema.typeName}` }]);
  }
  return next(call);
};
