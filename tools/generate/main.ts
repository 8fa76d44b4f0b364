import { fileURLToPath } from 'node:url';
import { generate } from './generate.ts';

// npm run generate: writes all that is generated from the contract and the Prisma schemas.
await generate({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  say: (line) => console.log(`generating ${line}`),
});
