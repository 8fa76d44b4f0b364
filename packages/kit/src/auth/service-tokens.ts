import { readFile } from 'node:fs/promises';
import { importJWK, SignJWT } from 'jose';
import { readPrivateKey } from './key-format.ts';

const LIFETIME_S = 300;
const RENEW_BEFORE_S = 60;

/** Makes the tokens by which this service calls others. */
export type ServiceTokens = { token(): Promise<string> };

/**
 * Signs tokens of the role `service`, each good for five minutes and handed out until one minute before its end.
 *
 * @param name the service's name: the tokens' subject
 * @param keyFile the private ES256 key, a JWK or PEM; read at the first use and at each renewal, so that it can be rotated
 */
export function createServiceTokens({ name, keyFile }: { name: string; keyFile: string }): ServiceTokens {
  let current: { token: Promise<string>; renewAt: number } | undefined;

  async function sign(): Promise<string> {
    const jwk = readPrivateKey(await readFile(keyFile, 'utf8'));
    const header = { alg: 'ES256', typ: 'JWT', ...(jwk.kid ? { kid: jwk.kid } : {}) };
    return new SignJWT({ role: 'service' })
      .setProtectedHeader(header)
      .setIssuer('realmkeep-internal')
      .setAudience('realmkeep')
      .setSubject(name)
      .setIssuedAt()
      .setExpirationTime(`${LIFETIME_S}s`)
      .sign(await importJWK(jwk, 'ES256'));
  }

  return {
    token() {
      if (!current || Date.now() >= current.renewAt) {
        const made = { token: sign(), renewAt: Date.now() + (LIFETIME_S - RENEW_BEFORE_S) * 1000 };
        current = made;
        made.token.catch(() => {
          if (current === made) current = undefined;
        });
      }
      return current.token;
    },
  };
}
