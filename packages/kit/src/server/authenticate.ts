import type { TokenVerifier } from '../auth/token-verifier.ts';
import { unauthenticated } from '../errors/common.ts';
import type { Interceptor } from './steps.ts';

const BEARER = /^bearer +(\S+)$/i;

/**
 * The step that finds out who calls. No token leaves the caller ANYONE; a bad one is always UNAUTHENTICATED, also where
 * none is needed.
 */
export function createAuthenticate(verifier: TokenVerifier): Interceptor {
  return (call, next) => {
    const header = call.metadata.get('authorization')[0];
    if (header === undefined || header === '') return next(call);
    const token = typeof header === 'string' ? BEARER.exec(header)?.[1] : undefined;
    if (token === undefined) throw unauthenticated('TOKEN_INVALID', 'the authorization header is not "Bearer <token>"');

    const caller = verifier.known(token);
    if (caller) {
      call.caller = caller;
      return next(call);
    }
    return verifier.verify(token).then((verified) => {
      call.caller = verified;
      return next(call);
    });
  };
}
