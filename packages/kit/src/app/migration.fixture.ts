import { fileURLToPath } from 'node:url';
import { runMigrations } from './migration.ts';

// The migrations of a service in a process of their own.
await runMigrations('things', fileURLToPath(new URL('../postgres/test-migrations', import.meta.url)));
