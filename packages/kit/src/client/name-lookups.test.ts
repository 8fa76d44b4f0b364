import dns from 'node:dns';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { onTestFinished, test, vi } from 'vitest';
import { answering } from '../server/answering.fixture.ts';
import { startServerFixture } from '../server/server.fixture.ts';
import { createClient } from './client.ts';

// Two servers have one port at two addresses of this machine; macOS gives it one.
test.skipIf(process.platform === 'darwin')(
  'a client finds a server that was added to a name while none went away, and no call fails',
  async () => {
    const answered = { first: 0, second: 0 };
    const answer = (which: keyof typeof answered) => [
      answering(ItemCatalogService, {
        getItem: async () => {
          answered[which] += 1;
          return new Uint8Array();
        },
      }),
    ];
    const first = await startServerFixture({ implementations: answer('first') });
    const port = Number(first.address.split(':')[1]);
    // The one thing here that is not real: nobody's name servers know this name.
    let hosts = ['127.0.0.1'];
    const lookup = vi
      .spyOn(dns.promises, 'lookup')
      .mockImplementation(async () => hosts.map((address) => ({ address, family: 4 })) as never);
    const token = await first.tokens.token({ role: 'server', subject: 's' });
    const client = createClient(ItemCatalogService, {
      address: `players.test:${port}`,
      serviceTokens: { token: async () => token },
      lookUpEveryMs: 50,
    });
    onTestFinished(async () => {
      client.close();
      lookup.mockRestore();
      await first.close();
    });
    const calls = async (until: () => boolean) => {
      while (!until()) await client.getItem({ itemId: 'x' });
    };

    await calls(() => answered.first >= 10);
    const second = await startServerFixture({
      implementations: answer('second'),
      tokens: first.tokens,
      host: '127.0.0.2',
      port,
    });
    onTestFinished(() => second.close());
    hosts = ['127.0.0.1', '127.0.0.2'];
    await Promise.all(Array.from({ length: 10 }, () => calls(() => answered.second >= 100)));
  },
);
