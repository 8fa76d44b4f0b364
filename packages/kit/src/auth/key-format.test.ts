import { generateKeyPairSync } from 'node:crypto';
import { createTestTokens } from '@realmkeep/testkit/tokens';
import { calculateJwkThumbprint } from 'jose';
import { expect, test } from 'vitest';
import { readPrivateKey, readPublicKeys } from './key-format.ts';

const pair = () =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
  });

test('public keys are read from PEM, public or private, one or more', async () => {
  const [first, second] = [pair(), pair()];
  const { keys } = readPublicKeys(`${first.publicKey}${second.privateKey}`);
  expect(keys).toHaveLength(2);
  for (const key of keys) {
    expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
    expect(key.kid).toBe(await calculateJwkThumbprint(key));
    expect(key).not.toHaveProperty('d');
  }
  expect(readPublicKeys(second.publicKey).keys).toEqual([keys[1]]);
});

test('public keys are read from a JWK set and from one JWK, never with their private half', async () => {
  const { callers } = await createTestTokens();
  expect(readPublicKeys(JSON.stringify(callers.jwks))).toEqual(callers.jwks);
  expect(readPublicKeys(JSON.stringify(callers.privateKey))).toEqual(callers.jwks);
});

test('a private key is read from PEM and from a JWK, and fits its public key', async () => {
  const { privateKey, publicKey } = pair();
  const key = readPrivateKey(privateKey);
  const { d: _, ...rest } = key;
  expect(readPublicKeys(publicKey).keys).toEqual([rest]);
  const { internal } = await createTestTokens();
  expect(readPrivateKey(JSON.stringify(internal.privateKey))).toEqual(internal.privateKey);
});

test('what is no such key is refused, and never quoted', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' });
  expect(() => readPublicKeys(String(rsa))).toThrow('not of the curve P-256');
  expect(() => readPublicKeys('{"keys":[]}')).toThrow('there is no key');
  expect(() => readPrivateKey(pair().publicKey)).toThrow('there is no private key');
  expect(() => readPrivateKey('hunter2')).toThrow(/^it is neither PEM nor JSON$/);
});
