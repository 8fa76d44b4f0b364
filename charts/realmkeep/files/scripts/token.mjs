import { readFileSync } from 'node:fs';
import { signToken } from './sign-token.mjs';

// Prints one token: token.mjs <private key, PEM> <role> <subject>.
const [file, role, subject] = process.argv.slice(2);
process.stdout.write(`${signToken(readFileSync(file, 'utf8'), { role, subject })}\n`);
