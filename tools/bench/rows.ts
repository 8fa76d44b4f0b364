import { areaStats, areaStatsBurst } from './area-reads.ts';
import { batchRead } from './batch-read.ts';
import { burst, coldBurst } from './burst.ts';
import { coldRead } from './cold-read.ts';
import { growth } from './growth.ts';
import { hotRead, l2Read, zipfRead } from './hot-read.ts';
import { itemBurst, itemListCold, itemListGrowth, itemListHot, itemListNormalized } from './item-listings.ts';
import { itemRename } from './item-rename.ts';
import { itemSearch } from './item-search.ts';
import { latency } from './latency.ts';
import { recordEvents, recordGrowth } from './record-events.ts';
import type { Row } from './row.ts';
import { tracing } from './tracing.ts';
import { transaction } from './transaction.ts';
import { watchDelivery } from './watch-delivery.ts';
import { watchMemory } from './watch-memory.ts';

/** Every bench, in the order in which `all` runs them: those that write come last. */
export const ROWS: Row[] = [
  hotRead,
  l2Read,
  zipfRead,
  coldRead,
  growth,
  batchRead,
  latency,
  tracing,
  burst,
  coldBurst,
  itemListHot,
  itemListCold,
  itemListGrowth,
  itemListNormalized,
  itemSearch,
  itemBurst,
  itemRename,
  areaStats,
  areaStatsBurst,
  watchMemory,
  watchDelivery,
  transaction,
  recordEvents,
  recordGrowth,
];
