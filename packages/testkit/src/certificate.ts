import { generate } from 'selfsigned';

/** A certificate of a test's own for one name, which signs itself, and its private key: both PEM. */
export async function createCertificate(name: string): Promise<{ certificate: string; privateKey: string }> {
  const { cert, private: privateKey } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }],
  });
  return { certificate: cert, privateKey };
}
