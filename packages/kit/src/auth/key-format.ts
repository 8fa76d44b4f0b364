import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { JSONWebKeySet, JWK } from 'jose';

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g;

/**
 * The public keys of a text: a JWK set, one JWK, or PEM with one or more keys of the curve P-256. A private key counts
 * for its public half. A key of PEM is named (`kid`) by its thumbprint (RFC 7638).
 *
 * @throws when it is none of these
 */
export function readPublicKeys(text: string): JSONWebKeySet {
  const blocks = text.match(PEM_BLOCK);
  if (blocks) return { keys: blocks.map((block) => named(createPublicKey(block))) };
  const parsed = parse(text) as JWK & Partial<JSONWebKeySet>;
  const keys = parsed.keys ?? [parsed];
  if (!Array.isArray(keys) || keys.length === 0) throw new Error('there is no key');
  return { keys: keys.map(({ d: _, ...key }) => key) };
}

/**
 * The private key of a text: a JWK, or PEM of the curve P-256, named (`kid`) by its thumbprint.
 *
 * @throws when it is neither
 */
export function readPrivateKey(text: string): JWK {
  const blocks = text.match(PEM_BLOCK);
  const block = blocks?.find((each) => each.includes('PRIVATE KEY'));
  if (block) return named(createPrivateKey(block));
  const key = blocks ? {} : (parse(text) as JWK);
  if (key.d === undefined) throw new Error('there is no private key');
  return key;
}

function named(key: KeyObject): JWK {
  const jwk = key.export({ format: 'jwk' }) as JWK;
  if (jwk.kty !== 'EC' || jwk.crv !== 'P-256') throw new Error('a key is not of the curve P-256');
  return { ...jwk, kid: thumbprint(jwk), alg: 'ES256', use: 'sig' };
}

function thumbprint({ crv, kty, x, y }: JWK): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

// Faults of parsing quote what they parse, which may be secret.
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is neither PEM nor JSON');
  }
}
