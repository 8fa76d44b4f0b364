import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readPublicKeys } from './key-format.ts';

/**
 * The command that makes a JWK set of key files (JWK set, JWK or PEM, public or private): for whatever checks tokens and
 * reads no PEM. The set goes to `--out FILE`, else to standard output. Nothing private is in it. A fault is printed and
 * exits with 1.
 */
export function runJwks(args: string[] = process.argv.slice(2)): void {
  try {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { out: { type: 'string' } } });
    if (positionals.length === 0) throw new Error('which key files? jwks.js FILE... [--out FILE]');
    const keys = positionals.flatMap((file) => readPublicKeys(readFileSync(file, 'utf8')).keys);
    const text = `${JSON.stringify({ keys })}\n`;
    if (values.out === undefined) process.stdout.write(text);
    else writeFileSync(values.out, text);
  } catch (fault) {
    process.stderr.write(`${(fault as Error).message}\n`);
    process.exitCode = 1;
  }
}
