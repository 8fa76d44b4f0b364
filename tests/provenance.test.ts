import { randomUUID } from 'node:crypto';
import { create, type DescMethodUnary, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApp, type TestApp } from '../services/player-state/test/app.ts';
import { credit, transaction } from '../services/player-state/test/operations.ts';

let app: TestApp;
let channel: Client;

beforeAll(async () => {
  app = await openTestApp();
  channel = new Client(app.address, credentials.createInsecure());
});
afterAll(async () => {
  channel?.close();
  await app?.close();
});

/** The headers of the answer that tell where it came from: source, age in milliseconds, version. */
async function provenance<M extends DescMethodUnary>(method: M, request: MessageInitShape<M['input']>) {
  const role = method.parent === ItemCatalogService ? 'admin' : 'server';
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${await app.tokens.token({ role, subject: 'test' })}`);
  const headers = await new Promise<Metadata>((resolve, reject) => {
    channel
      .makeUnaryRequest(
        `/${method.parent.typeName}/${method.name}`,
        (message: MessageInitShape<M['input']>) => Buffer.from(toBinary(method.input, create(method.input, message))),
        (bytes) => fromBinary(method.output, bytes),
        request,
        metadata,
        (error) => error && reject(error),
      )
      .on('metadata', resolve);
  });
  const [source, age, version] = ['source', 'age-ms', 'version'].map((name) => headers.get(`realmkeep-${name}`)[0]);
  return { source, age: Number(age), version };
}

test('every answer tells its source and its age, and its version where it shows one thing', async () => {
  const playerId = randomUUID();
  const players = PlayerStateService.method;
  const catalog = ItemCatalogService.method;
  const item = { itemId: 'sword', name: 'Sword', kind: 'weapon' };
  const written = { source: 'primary', age: expect.closeTo(0, -2), version: '1' };
  expect(await provenance(players.createPlayer, { playerId, displayName: 'Ada' })).toEqual(written);
  expect(await provenance(catalog.createItem, item)).toEqual(written);
  const request = transaction(credit(playerId, 1n));
  expect(await provenance(players.applyTransaction, request)).toEqual({ ...written, version: undefined });
  await app.database.replicated();

  // The service leaves a replica that is older than 5 s, and measures it each second.
  const young = { asymmetricMatch: (age: number) => age >= 0 && age < 10_000 };
  const read = { source: 'replica', age: young, version: undefined };
  const cached = { ...read, source: expect.stringMatching(/^l[12]$/) };
  expect(await provenance(players.getPlayerState, { playerId })).toEqual({ ...cached, version: '2' });
  expect(await provenance(catalog.getItem, { itemId: 'sword' })).toEqual({ ...read, version: '1' });
  expect(await provenance(players.getTransaction, { transactionId: request.transactionId })).toEqual(read);
  expect(await provenance(players.listTransactions, { playerId })).toEqual(read);
  expect(await provenance(players.batchGetPlayerStates, { playerIds: [playerId] })).toEqual(cached);
  expect(await provenance(catalog.listItems, {})).toEqual(read);
});
