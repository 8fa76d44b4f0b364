import { decodeJwt, type JWTPayload, jwtVerify } from 'jose';
import { JWTExpired } from 'jose/errors';
import { LRUCache } from 'lru-cache';
import { unauthenticated } from '../errors/common.ts';
import { RpcError } from '../errors/rpc-error.ts';
import type { Logger } from '../log/logger.ts';
import type { Caller, Role } from './caller.ts';
import { type KeySet, openKeySet } from './key-set.ts';
import { openRemoteKeySet } from './remote-key-set.ts';

const CLOCK_TOLERANCE_S = 5;
const MOST_KNOWN_TOKENS = 20_000;
const LONGEST_TOKEN = 4_096;
const BEARER = /^bearer +(\S+)$/i;

const CALLER_ROLES = new Map<unknown, Role>([
  ['player', 'PLAYER'],
  ['server', 'SERVER'],
  ['admin', 'ADMIN'],
]);
const SERVICE_ROLES = new Map<unknown, Role>([['service', 'SERVICE']]);

/** Tells whose a token is, given the `authorization` header that carries it. */
export type TokenVerifier = {
  /** The caller of a header that was verified before and still holds. */
  known(header: string): Caller | undefined;
  /** Verifies a header. Throws UNAUTHENTICATED TOKEN_EXPIRED or TOKEN_INVALID, and UNAVAILABLE without keys. */
  verify(header: string): Promise<Caller>;
  close(): void;
};

/**
 * Verifies ES256 tokens that carry iss, aud `realmkeep`, sub, role and exp; clocks may differ by five seconds.
 *
 * Each issuer has its own keys and its own roles, so that a key for callers can never make a service, nor the other way
 * round. A verified token is remembered until it expires or the keys change, 20,000 of them at most.
 *
 * @param jwksFile the public keys of the issuer `realmkeep`: roles player, server, admin
 * @param jwksUri where a provider shows these keys, in the stead of the file
 * @param internalJwksFile the public keys of the issuer `realmkeep-internal`: role service
 */
export function createTokenVerifier({
  jwksFile,
  jwksUri,
  internalJwksFile,
  logger,
}: {
  jwksFile?: string | undefined;
  jwksUri?: string | undefined;
  internalJwksFile: string;
  logger: Logger;
}): TokenVerifier {
  const known = new LRUCache<string, { caller: Caller; until: number }>({ max: MOST_KNOWN_TOKENS });
  const verifying = new Map<string, Promise<Caller>>();
  let generation = 0;

  function forget(): void {
    generation += 1;
    known.clear();
    verifying.clear();
  }
  const callers = openCallerKeys();
  const services = openKeySet({ file: internalJwksFile, logger, onChange: forget });
  const issuers = new Map<string, { keys: KeySet; roles: Map<unknown, Role> }>([
    ['realmkeep', { keys: callers, roles: CALLER_ROLES }],
    ['realmkeep-internal', { keys: services, roles: SERVICE_ROLES }],
  ]);

  function openCallerKeys(): KeySet {
    if (jwksUri !== undefined) return openRemoteKeySet({ uri: jwksUri, logger, onChange: forget });
    if (jwksFile !== undefined) return openKeySet({ file: jwksFile, logger, onChange: forget });
    throw new Error('the keys of callers are neither in a file nor at a provider');
  }

  async function verify(header: string): Promise<Caller> {
    const begun = generation;
    const token = BEARER.exec(header)?.[1];
    if (!token) throw unauthenticated('TOKEN_INVALID', 'the authorization header is not "Bearer <token>"');
    const issuer = issuerOf(token);
    const trusted = issuers.get(issuer);
    if (!trusted) throw unauthenticated('TOKEN_INVALID', 'the token is of an unknown issuer');
    const claims = await claimsOf(token, issuer, trusted.keys);
    const role = trusted.roles.get(claims.role);
    if (!role || !claims.sub || !claims.exp)
      throw unauthenticated('TOKEN_INVALID', 'the token lacks a subject or role');
    const caller: Caller = Object.freeze({ subject: claims.sub, role });
    // Keys that changed meanwhile may not vouch for this token any more.
    if (begun === generation) known.set(header, { caller, until: (claims.exp + CLOCK_TOLERANCE_S) * 1000 });
    return caller;
  }

  return {
    known(header) {
      const entry = known.get(header);
      return entry && Date.now() < entry.until ? entry.caller : undefined;
    },
    verify(header) {
      const running = verifying.get(header);
      if (running) return running;
      const started = verify(header).finally(() => {
        if (verifying.get(header) === started) verifying.delete(header);
      });
      verifying.set(header, started);
      return started;
    },
    close() {
      callers.close();
      services.close();
    },
  };
}

function issuerOf(token: string): string {
  try {
    if (token.length <= LONGEST_TOKEN) return decodeJwt(token).iss ?? '';
  } catch {
    // Not a token at all.
  }
  throw unauthenticated('TOKEN_INVALID', 'the token can not be read');
}

async function claimsOf(token: string, issuer: string, keys: KeySet): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys.get, {
      algorithms: ['ES256'],
      issuer,
      audience: 'realmkeep',
      clockTolerance: CLOCK_TOLERANCE_S,
      requiredClaims: ['sub', 'exp', 'role'],
    });
    return payload;
  } catch (fault) {
    // The keys can not be had: nobody knows what the token is worth.
    if (fault instanceof RpcError) throw fault;
    if (fault instanceof JWTExpired) throw unauthenticated('TOKEN_EXPIRED', 'the token has expired');
    throw unauthenticated('TOKEN_INVALID', 'the token is not valid');
  }
}
