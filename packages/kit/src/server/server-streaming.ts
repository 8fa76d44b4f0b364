import type { DescMethodServerStreaming } from '@bufbuild/protobuf';
import type { handleServerStreamingCall } from '@grpc/grpc-js';
import { abortable } from './abortable.ts';
import { createCall, type Method, sendHeaders } from './call.ts';
import { encode } from './encode.ts';
import type { ServerStreamingHandler } from './implementation.ts';
import { createOutflow } from './outflow.ts';
import type { Step } from './steps.ts';

/**
 * The last step of a server stream: pulls the handler's answers one by one, each when the transport has room.
 *
 * When the caller leaves or the stream is ended, the handler's signal is aborted and the stream is over at once, also
 * when the handler is waiting for something; what it throws then is of no interest.
 */
export function answerStream(handler: ServerStreamingHandler<DescMethodServerStreaming>): Step {
  return async (call) => {
    if (!call.request) throw new Error('a request is decoded before it is answered');
    const schema = call.method.desc.output;
    const answers = handler(call.request, call)[Symbol.asyncIterator]();
    const unlessAborted = abortable(call.signal);
    call.signal.throwIfAborted();
    sendHeaders(call);
    try {
      for (;;) {
        const { done, value } = await unlessAborted(answers.next());
        if (done) return;
        const room = call.outlet.send(encode(schema, value));
        if (room) await unlessAborted(room);
      }
    } finally {
      answers.return?.().catch(() => undefined);
    }
  };
}

/** Binds the steps to the transport. */
export function serverStreamingHandler(method: Method, run: Step): handleServerStreamingCall<Buffer, Buffer> {
  return (surface) => {
    const outflow = createOutflow(surface);
    void run(createCall(method, surface, outflow)).then(outflow.end);
  };
}
