import { setTimeout as delay } from 'node:timers/promises';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { answering } from '../server/answering.fixture.ts';
import { commonSettings, readConfig } from './config.ts';
import { openFoundation } from './foundation.ts';
import { runMain } from './main.ts';
import { startService } from './service.ts';

// A whole service in a process of its own. An item's id says how many milliseconds its reading takes.
runMain(async () => {
  const foundation = await openFoundation({ name: 'catalog', config: readConfig(commonSettings) });
  const getItem = async ({ itemId }: { itemId: string }) => {
    await delay(Number(itemId));
    return new Uint8Array();
  };
  return startService(foundation, [answering(ItemCatalogService, { getItem })]);
});
