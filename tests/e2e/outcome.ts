import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorInfoSchema, RetryInfoSchema } from '@realmkeep/proto/google/rpc/error_details';

/** How a call ended: OK, or the gRPC code in UPPER_SNAKE_CASE with the reason to branch on. */
export type Outcome = { code: string; reason: string };

/** The outcome of a gRPC or gRPC-Web call. A fault that is no answer is thrown. */
export async function outcomeOf(call: Promise<unknown>): Promise<Outcome> {
  try {
    await call;
    return { code: 'OK', reason: '' };
  } catch (error) {
    if (!(error instanceof ConnectError)) {
      throw error;
    }
    return { code: codeName(error.code), reason: error.findDetails(ErrorInfoSchema)[0]?.reason ?? '' };
  }
}

/** The name of a gRPC code as REST and the contract write it. */
export function codeName(code: number): string {
  return (Code[code] ?? 'OK').replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}

/** How often each outcome came. */
export function tally(outcomes: Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code, reason } of outcomes) {
    const key = reason === '' ? code : `${code} ${reason}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/**
 * Makes a call again while the realm asks for it, after the delay that it asks for, as a game server does: a crowd on
 * one player waits for its turn, and a slow machine lets some of it wait too long.
 */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      const refusal = ConnectError.from(error);
      const delay = refusal.findDetails(RetryInfoSchema)[0]?.retryDelay;
      if (refusal.code !== Code.ResourceExhausted || delay === undefined || tries === 20) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, Number(delay.seconds) * 1_000 + delay.nanos / 1e6));
    }
  }
}
