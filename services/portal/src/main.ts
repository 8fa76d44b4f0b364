import { runMain } from '@realmkeep/kit/app/main';
import { startApp } from './app.ts';
import { readSettings } from './config.ts';

runMain(() => startApp(readSettings()));
