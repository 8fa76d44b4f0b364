import type { TokenVerifier } from '../auth/token-verifier.ts';
import type { Interceptor } from './steps.ts';

/**
 * The step that finds out who calls. No token leaves the caller ANYONE; a bad one is always UNAUTHENTICATED, also where
 * none is needed.
 */
export function createAuthenticate(verifier: TokenVerifier): Interceptor {
  return (call, next) => {
    const header = call.surface.metadata.get('authorization')[0];
    if (typeof header !== 'string' || header === '') return next(call);
    const caller = verifier.known(header);
    if (caller) {
      call.caller = caller;
      return next(call);
    }
    return verifier.verify(header).then((verified) => {
      call.caller = verified;
      return next(call);
    });
  };
}
