import { describe, expect, it } from 'vitest';
import type { ServiceName } from '../../tools/local/service-names.ts';
import { withVerifications } from '../../tools/verify/realm.ts';
import { verify } from '../../tools/verify/verification.ts';
import { forward } from './forward.ts';
import { NAME, type Release } from './release.ts';

/** What `npm run verify` checks, on the databases of a release; `primary` is the writable Postgres as kubectl names it. */
export function invariantStories(release: () => Release, primary: string): void {
  describe('after all that', () => {
    it('every invariant of the data holds', async () => {
      const { address, close } = await forward(release().namespace, primary, 5432);
      const ownerUrl = async (service: ServiceName) => {
        const url = new URL(await release().secret(`${NAME}-${service}-owner`, 'POSTGRES_OWNER_URL'));
        url.host = address;
        return url.href;
      };
      try {
        const urls = {
          playerState: await ownerUrl('player-state'),
          itemLocation: await ownerUrl('item-location'),
          areaStats: await ownerUrl('area-stats'),
        };
        const outcomes = await withVerifications(urls, async (verifications) => {
          const done = [];
          for (const each of verifications) done.push(await verify(each, () => undefined));
          return done;
        });
        console.log(outcomes.map(({ says, checked }) => `${checked} rows: ${says}`).join('\n'));
        expect(outcomes.filter(({ broken }) => broken > 0)).toEqual([]);
      } finally {
        await close();
      }
    });
  });
}
