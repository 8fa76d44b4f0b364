import { fileURLToPath } from 'node:url';

/** The folder of the SQL files that make this service's database. */
export const MIGRATIONS = fileURLToPath(new URL('../migrations/', import.meta.url));
