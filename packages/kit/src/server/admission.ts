import { resourceExhausted } from '../errors/common.ts';
import type { RpcError } from '../errors/rpc-error.ts';
import { abortCall, type Call, goneFrom } from './call.ts';
import type { Interceptor } from './steps.ts';

const RETRY_AFTER_MS = 100;
const RETRY_STREAM_AFTER_MS = 1_000;

/** Bounds what is in work at once. Unary calls and streams are counted apart. */
export type Admission = {
  readonly unary: Interceptor;
  readonly streaming: Interceptor;
  inWork(): number;
  openStreams(): number;
  /** Ends every open stream with this reason, and every one that opens later. */
  endStreams(reason: RpcError): void;
};

/**
 * Makes the step that starts a handler, if there is room for it and somebody waits for the answer. Beyond the bounds a
 * call is RESOURCE_EXHAUSTED with a delay.
 */
export function createAdmission({ maxInWork, maxStreams }: { maxInWork: number; maxStreams: number }): Admission {
  let inWork = 0;
  let ending: RpcError | undefined;
  const streams = new Set<Call>();

  return {
    inWork: () => inWork,
    openStreams: () => streams.size,

    async unary(call, next) {
      const gone = goneFrom(call);
      if (gone) throw gone;
      if (inWork >= maxInWork) throw resourceExhausted(`${maxInWork} requests are in work`, RETRY_AFTER_MS);
      inWork += 1;
      try {
        await next(call);
      } finally {
        inWork -= 1;
      }
    },

    async streaming(call, next) {
      const gone = ending ?? goneFrom(call);
      if (gone) throw gone;
      if (streams.size >= maxStreams) throw resourceExhausted(`${maxStreams} streams are open`, RETRY_STREAM_AFTER_MS);
      streams.add(call);
      try {
        await next(call);
      } finally {
        streams.delete(call);
      }
    },

    endStreams(reason) {
      ending = reason;
      for (const call of streams) abortCall(call, reason);
    },
  };
}
