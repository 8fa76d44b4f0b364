import { createRemoteJWKSet, type JWTVerifyGetKey } from 'jose';
import { JWKSMultipleMatchingKeys, JWKSNoMatchingKey } from 'jose/errors';
import { unavailable } from '../errors/common.ts';
import type { Logger } from '../log/logger.ts';
import type { KeySet } from './key-set.ts';

/** How long the provider may take to answer, in milliseconds. */
const TIMEOUT = 5_000;
/** A key that is not known makes it ask again, not more often than this. */
const COOLDOWN = 5_000;
/** Milliseconds between two times that the keys are asked for without a reason. */
const ASK_EVERY = 5 * 60_000;

/**
 * The keys that a provider shows as a JWK set: asked for now, every five minutes, and when a token names a key that is
 * not known (at most every five seconds). The keys from before stay while the provider can not be reached; a token whose
 * key is not among them is UNAVAILABLE then, within five seconds.
 *
 * @param onChange called when the keys may be others than before
 */
export function openRemoteKeySet({
  uri,
  logger,
  onChange,
}: {
  uri: string;
  logger: Pick<Logger, 'error'>;
  onChange: () => void;
}): KeySet {
  const remote = createRemoteJWKSet(new URL(uri), {
    timeoutDuration: TIMEOUT,
    cooldownDuration: COOLDOWN,
    // Old keys are better than none: they are asked for again by the clock here.
    cacheMaxAge: Number.POSITIVE_INFINITY,
  });
  let had: string | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;

  function compare(): void {
    const has = JSON.stringify(remote.jwks());
    if (has !== had) onChange();
    had = has;
  }
  function failed(err: unknown): void {
    failedAt = performance.now();
    logger.error({ err, uri }, 'the keys could not be had; those from before stay');
  }
  const ask = () => remote.reload().then(compare, failed);

  const get: JWTVerifyGetKey = async (header, token) => {
    // Each token of an unknown key would wait for the provider by itself.
    if (performance.now() - failedAt < COOLDOWN && !knows(header.kid)) throw away();
    try {
      return await remote(header, token);
    } catch (fault) {
      if (fault instanceof JWKSNoMatchingKey || fault instanceof JWKSMultipleMatchingKeys) throw fault;
      failed(fault);
      throw away();
    } finally {
      compare();
    }
  };
  function knows(kid: string | undefined): boolean {
    return remote.jwks()?.keys.some((key) => kid === undefined || key.kid === kid) ?? false;
  }

  void ask();
  const timer = setInterval(ask, ASK_EVERY).unref();
  return { get, close: () => clearInterval(timer) };
}

function away() {
  return unavailable('the keys of tokens can not be had', COOLDOWN);
}
