import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorInfoSchema } from '@realmkeep/proto/google/rpc/error_details';

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
