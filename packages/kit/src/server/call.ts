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

/** What the transport knows of a call. What it brings is not decoded. */
export type Surface = {
  readonly cancelled: boolean;
  readonly metadata: Metadata;
  /** The request; undefined for a client stream, whose requests are read one by one. */
  readonly request?: Buffer;
  [Symbol.asyncIterator]?(): AsyncIterator<Buffer>;
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
  readonly surface: Surface;
  readonly outlet: Outlet;
  /** The request, once it is decoded; none is kept of a client stream. */
  request: MessageShape<DescMessage> | undefined;
  caller: Caller;
  trace: Trace | undefined;
  /** How the call ended, once it has. */
  code: status;
  /** What ended the handler's work before its time. */
  aborted: RpcError | undefined;
  /** Made when a handler first asks for the signal, which most never do. */
  controller: AbortController | undefined;
  headers: Metadata | undefined;
  headersSent: boolean;
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

// Shared by all calls, because making an accessor for each of them costs a good part of a short call.
const context = {
  get signal(): AbortSignal {
    return controllerOf(this as unknown as Call).signal;
  },
  header(this: Call, name: string, value: string): void {
    if (this.headersSent) throw new Error(`the header ${name} comes too late: the answer is on its way`);
    this.headers ??= new Metadata();
    this.headers.set(name, value);
  },
};

/** Makes a call of what the transport hands over. */
export function createCall(method: Method, surface: Surface, outlet: Outlet): Call {
  const until = surface.getDeadline();
  // Assigned one by one: a literal with a prototype, or copying one, takes ten times as long.
  const call: Mutable<Call> = Object.create(context);
  call.method = method;
  call.surface = surface;
  call.outlet = outlet;
  call.request = undefined;
  call.caller = ANYONE;
  call.deadline = typeof until === 'number' && Number.isFinite(until) ? until : undefined;
  call.trace = undefined;
  call.code = status.OK;
  call.aborted = undefined;
  call.controller = undefined;
  call.headers = undefined;
  call.headersSent = false;
  return call;
}

/** Why nobody waits for the answer any more; undefined: somebody does. */
export function goneFrom(call: Call): RpcError | undefined {
  if (call.aborted) return call.aborted;
  if (call.deadline !== undefined && Date.now() >= call.deadline) return deadlineExceeded();
  return call.surface.cancelled ? cancelled() : undefined;
}

/** Ends the handler's work with this reason, unless it has ended before. */
export function abortCall(call: Call, reason: RpcError): void {
  call.aborted ??= reason;
  call.controller?.abort(call.aborted);
}

/** Sends the response headers that were set, if any. Called before the first answer. */
export function sendHeaders(call: Call): void {
  call.headersSent = true;
  if (call.headers) call.surface.sendMetadata(call.headers);
}

function controllerOf(call: Call): AbortController {
  if (call.controller) return call.controller;
  const controller = new AbortController();
  call.controller = controller;
  const gone = goneFrom(call);
  if (gone) controller.abort(gone);
  else call.surface.once('cancelled', () => abortCall(call, goneFrom(call) ?? cancelled()));
  return controller;
}
