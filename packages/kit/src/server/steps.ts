import type { Call } from './call.ts';

/** Takes a call to its end. */
export type Step = (call: Call) => Promise<void>;

/** Does its part of a call, and hands it to the next step or throws. */
export type Interceptor = (call: Call, next: Step) => Promise<void>;

/** Joins interceptors, the first outermost, around the last step. Done once for each method. */
export function compose(interceptors: Interceptor[], last: Step): Step {
  return interceptors.reduceRight<Step>((next, interceptor) => (call) => interceptor(call, next), last);
}
