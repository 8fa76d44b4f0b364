import { exportJWK, generateKeyPair, type JSONWebKeySet, type JWK, SignJWT, UnsecuredJWT } from 'jose';

export type TokenClaims = {
  role: 'player' | 'server' | 'admin' | 'service';
  /** The player's id, or the name of the server, admin or service. */
  subject: string;
  /** Seconds; negative for an expired token. Default: an hour. */
  expiresIn?: number;
  /** Default: realmkeep, and realmkeep-internal for role `service`. */
  issuer?: string;
  /** Default: realmkeep. */
  audience?: string;
};

/** An ES256 key pair as JSON Web Keys: the private key, and the key set that verifies it. */
export type Keys = { privateKey: JWK; jwks: JSONWebKeySet };

/** Makes a new key pair. `kid` names it in tokens and in the key set. */
export async function createKeys(kid: string): Promise<Keys> {
  const pair = await generateKeyPair('ES256', { extractable: true });
  const name = { kid, alg: 'ES256', use: 'sig' };
  return {
    privateKey: { ...(await exportJWK(pair.privateKey)), ...name },
    jwks: { keys: [{ ...(await exportJWK(pair.publicKey)), ...name }] },
  };
}

/** Signs a token as this realm's issuer does. */
export async function signToken(privateKey: JWK, claims: TokenClaims): Promise<string> {
  return filled(new SignJWT({ role: claims.role }), claims)
    .setProtectedHeader({ alg: 'ES256', kid: privateKey.kid!, typ: 'JWT' })
    .sign(privateKey);
}

/** A token without a signature (`alg: none`), which everyone must refuse. */
export function unsignedToken(claims: TokenClaims): string {
  return filled(new UnsecuredJWT({ role: claims.role }), claims).encode();
}

function filled<T extends SignJWT | UnsecuredJWT>(token: T, claims: TokenClaims): T {
  const { role, subject, expiresIn = 3600, audience = 'realmkeep' } = claims;
  const { issuer = role === 'service' ? 'realmkeep-internal' : 'realmkeep' } = claims;
  const now = Math.floor(Date.now() / 1000);
  token.setIssuer(issuer).setAudience(audience).setSubject(subject);
  token.setIssuedAt(Math.min(now, now + expiresIn)).setExpirationTime(now + expiresIn);
  return token;
}

export type TestTokens = {
  /** Callers' keys. */
  callers: Keys;
  /** The keys that services sign role `service` tokens with. */
  internal: Keys;
  /** A good token of a caller (or, for role `service`, of the internal key). */
  token(claims: TokenClaims): Promise<string>;
  /** The tokens that must be refused, by what is wrong with them. */
  bad(
    claims: TokenClaims,
  ): Promise<Record<'expired' | 'wrongKey' | 'unsigned' | 'wrongIssuer' | 'wrongAudience', string>>;
};

/** Fresh keys and the tokens made with them. */
export async function createTestTokens(): Promise<TestTokens> {
  const [callers, internal, stranger] = await Promise.all([
    createKeys('callers'),
    createKeys('internal'),
    createKeys('callers'),
  ]);
  const token = (claims: TokenClaims) =>
    signToken(claims.role === 'service' ? internal.privateKey : callers.privateKey, claims);
  return {
    callers,
    internal,
    token,
    bad: async (claims) => ({
      expired: await token({ ...claims, expiresIn: -3600 }),
      wrongKey: await signToken(stranger.privateKey, claims),
      unsigned: unsignedToken(claims),
      wrongIssuer: await token({ ...claims, issuer: 'elsewhere' }),
      wrongAudience: await token({ ...claims, audience: 'elsewhere' }),
    }),
  };
}
