import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';

const LIFETIME_S = 24 * 3600;

/** A token (ES256) of the role and subject, good for a day, signed with the private key of the PEM text. */
export function signToken(pem, { role, subject }) {
  const { kty, crv, x, y } = createPublicKey(pem).export({ format: 'jwk' });
  // The key's thumbprint (RFC 7638) is its name in the key sets that are made of it.
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'realmkeep', aud: 'realmkeep', sub: subject, role, iat: now, exp: now + LIFETIME_S };
  const encoded = [{ alg: 'ES256', typ: 'JWT', kid }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const signed = encoded.join('.');
  const key = { key: createPrivateKey(pem), dsaEncoding: 'ieee-p1363' };
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}
