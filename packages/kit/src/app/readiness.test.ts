import { expect, test } from 'vitest';
import { followReadiness } from './readiness.ts';

test('it says NOT_SERVING once no node could be read for so long, and SERVING again as soon as one can', async () => {
  const logger = { info: () => undefined, warn: () => undefined };
  let readable = true;
  const said: boolean[] = [];
  const end = followReadiness({
    postgres: { state: () => ({ readable, writable: false }) },
    setServing: (serving) => said.push(serving),
    patienceMs: 600,
    logger,
  });
  readable = false;
  await expect.poll(() => said).toEqual([false]);
  readable = true;
  await expect.poll(() => said).toEqual([false, true]);
  end();
});
