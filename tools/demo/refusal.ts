import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorInfoSchema } from '@realmkeep/proto/google/rpc/error_details';

/** What the realm says when it refuses: the code, the reason to branch on, the words. Throws when it does not refuse. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (fault: unknown) => fault,
  );
  if (!(error instanceof ConnectError)) {
    throw error ?? new Error('the call should have been refused, and was not');
  }
  const code = Code[error.code].replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
  const reason = error.findDetails(ErrorInfoSchema)[0]?.reason ?? 'no reason';
  return `${code}, reason ${reason}: "${error.rawMessage}"`;
}
