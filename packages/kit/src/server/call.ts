import type { DescMessage, DescMethod, MessageShape } from '@bufbuild/protobuf';
import { type Deadline, Metadata, status } from '@grpc/grpc-js';
import { ANYONE, type Caller } from '../auth/caller.ts';
import { cancelled, deadlineExceeded } from '../errors/common.ts';
import type { RpcError } from '../errors/rpc-error.ts';
import type { Trace } from '../telemetry/trace.ts';
import type { AccessRule } from './access.ts';
import type { CallContext } from './implementation.ts';

/** What is known of a method before any call. */
export type Method = {
  /** package.Service/Method */
  readonly name: string;
  readonly desc: DescMethod;
  readonly access: AccessRule;
};

/** How a call ends that is refused or fails. */
export type Failure = { code: status; details: string; metadata: Metadata };

/** What the transport knows of a call. The request is not decoded. */
export type Surface = {
  readonly cancelled: boolean;
  readonly metadata: Metadata;
  readonly request: Buffer;
  getDeadline(): Deadline;
  sendMetadata(headers: Metadata): void;
  once(event: 'cancelled', listener: () => void): unknown;
};

/** Where what a call answers goes. */
export type Outlet = {
  /** Sends an answer, the only one or the next. Resolves when another one may be sent. */
  send(bytes: Buffer): Promise<void> | undefined;
  /** Tells the caller of the call's failure. */
  fail(failure: Failure): void;
};

/** One call on its way through the steps. Handlers see it as their context. */
export type Call = CallContext & {
  readonly method: Method;
  readonly metadata: Metadata;
  /** The request as it came. */
  readonly bytes: Buffer;
  /** The request, once it is decoded. */
  request: MessageShape<DescMessage> | undefined;
  caller: Caller;
  trace: Trace | undefined;
  /** How the call ended, once it has. */
  code: status;
  /** Why nobody waits for the answer any more; undefined: somebody does. */
  left(): RpcError | undefined;
  /** Sends the response headers that were set, if any. Called before the first answer. */
  sendHeaders(): void;
  /** Ends the handler's work with this reason. */
  abort(reason: RpcError): void;
  readonly outlet: Outlet;
};

/** Makes a call of what the transport hands over. */
export function createCall(method: Method, surface: Surface, outlet: Outlet): Call {
  let headers: Metadata | undefined;
  let headersSent = false;
  let aborted: RpcError | undefined;
  let controller: AbortController | undefined;
  const until = surface.getDeadline();
  const deadline = typeof until === 'number' && Number.isFinite(until) ? until : undefined;

  const call: Call = {
    method,
    metadata: surface.metadata,
    bytes: surface.request,
    request: undefined,
    caller: ANYONE,
    trace: undefined,
    code: status.OK,
    deadline,
    outlet,
    left() {
      if (aborted) return aborted;
      if (deadline !== undefined && Date.now() >= deadline) return deadlineExceeded();
      return surface.cancelled ? cancelled() : undefined;
    },
    // Most handlers never look at the signal, so it is made when one does.
    get signal() {
      if (!controller) {
        controller = new AbortController();
        const gone = call.left();
        if (gone) controller.abort(gone);
        else surface.once('cancelled', () => call.abort(call.left() ?? cancelled()));
      }
      return controller.signal;
    },
    abort(reason) {
      aborted ??= reason;
      controller?.abort(aborted);
    },
    header(name, value) {
      if (headersSent) throw new Error(`the header ${name} comes too late: the answer is on its way`);
      headers ??= new Metadata();
      headers.set(name, value);
    },
    sendHeaders() {
      headersSent = true;
      if (headers) surface.sendMetadata(headers);
    },
  };
  return call;
}
