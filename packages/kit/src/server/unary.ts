import type { DescMethodUnary } from '@bufbuild/protobuf';
import type { handleUnaryCall } from '@grpc/grpc-js';
import { createCall, goneFrom, type Method, sendHeaders } from './call.ts';
import { encode } from './encode.ts';
import type { UnaryHandler } from './implementation.ts';
import type { Step } from './steps.ts';

/** The last step of a unary call: the handler's answer goes to the caller. */
export function answerUnary(handler: UnaryHandler<DescMethodUnary>): Step {
  return async (call) => {
    if (!call.request) throw new Error('a request is decoded before it is answered');
    const answer = encode(call.method.desc.output, await handler(call.request, call));
    const gone = goneFrom(call);
    if (gone) throw gone;
    sendHeaders(call);
    void call.outlet.send(answer);
  };
}

/** Binds the steps to the transport. */
export function unaryHandler(method: Method, run: Step): handleUnaryCall<Buffer, Buffer> {
  return (surface, callback) => {
    const outlet = {
      send(bytes: Buffer) {
        callback(null, bytes);
        return undefined;
      },
      fail: callback,
    };
    void run(createCall(method, surface, outlet));
  };
}
