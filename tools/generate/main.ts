import { fileURLToPath } from 'node:url';
import { writeReviewed } from '../chart/write-reviewed.ts';
import { generate } from './generate.ts';

// npm run generate: writes all that is generated from the contract and the Prisma schemas, and what the chart renders.
const root = fileURLToPath(new URL('../..', import.meta.url));
const say = (line: string) => console.log(`generating ${line}`);
await generate({ root, say });
await writeReviewed({ root, say });
