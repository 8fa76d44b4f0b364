import type { DescMessage, DescMethodClientStreaming, MessageShape } from '@bufbuild/protobuf';
import type { handleClientStreamingCall } from '@grpc/grpc-js';
import { abortable } from './abortable.ts';
import { type Call, createCall, type Method, sendHeaders } from './call.ts';
import { decodeRequest } from './decode.ts';
import { encode } from './encode.ts';
import type { ClientStreamingHandler } from './implementation.ts';
import type { Step } from './steps.ts';
import { refuseInvalid } from './validate.ts';

/**
 * The last step of a client stream: the handler pulls the requests one by one, and its answer goes to the caller.
 *
 * A request is taken off the transport when it is pulled, so a slow handler slows its caller. When the caller leaves or the
 * stream is ended, the handler's signal is aborted and the call is over at once; what the handler still does then is of no
 * interest.
 */
export function answerRequests(handler: ClientStreamingHandler<DescMethodClientStreaming>): Step {
  return async (call) => {
    const unlessAborted = abortable(call.signal);
    call.signal.throwIfAborted();
    const answer = await unlessAborted(handler(requestsOf(call), call));
    const bytes = encode(call.method.desc.output, answer);
    sendHeaders(call);
    void call.outlet.send(bytes);
  };
}

/** The requests, each decoded and checked against the contract. One that is neither ends the call. */
async function* requestsOf({ surface, method }: Call): AsyncGenerator<MessageShape<DescMessage>> {
  const { input } = method.desc;
  for await (const bytes of { [Symbol.asyncIterator]: () => surface[Symbol.asyncIterator]!() }) {
    const request = decodeRequest(input, bytes);
    refuseInvalid(input, request);
    yield request;
  }
}

/** Binds the steps to the transport. */
export function clientStreamingHandler(method: Method, run: Step): handleClientStreamingCall<Buffer, Buffer> {
  if (method.access.subjectField) throw new Error(`${method.name} has no one request that could name its caller`);
  return (surface, callback) => {
    // A stream that breaks off says so by its iterator and its signal as well.
    surface.on('error', () => undefined);
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
