import { runMigrations } from '@realmkeep/kit/app/migration';
import { MIGRATIONS } from './migrations.ts';

await runMigrations('area-stats', MIGRATIONS);
