import { createRequire } from 'node:module';
import { Client, credentials, type Metadata, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { protoPath } from 'grpc-health-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering } from './answering.fixture.ts';
import { type ServerFixture, startServerFixture } from './server.fixture.ts';

type Definitions = Record<
  string,
  Record<string, { path: string; requestSerialize: (v: object) => Buffer; responseDeserialize: (b: Buffer) => object }>
>;

let fixture: ServerFixture;
let channel: Client;
beforeAll(async () => {
  fixture = await startServerFixture({ implementations: [answering(ItemCatalogService)] });
  channel = new Client(fixture.address, credentials.createInsecure());
});
afterAll(async () => {
  channel.close();
  await fixture.close();
});

const health = loadSync(protoPath, { enums: String }) as unknown as Definitions;

function check(service: string): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = health['grpc.health.v1.Health']!.Check!;
  return new Promise((resolve) => {
    channel.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (fault, answer) =>
      resolve(fault ? fault.details : (answer as { status: string }).status),
    );
  });
}

test('health answers without a token, for the process and for each service', async () => {
  expect(await check('')).toBe('SERVING');
  expect(await check(ItemCatalogService.typeName)).toBe('SERVING');
  expect(await check('no.such.Service')).toMatch(/unknown/);
  fixture.server.setServing(false, ItemCatalogService.typeName);
  expect(await check(ItemCatalogService.typeName)).toBe('NOT_SERVING');
  expect(await check('')).toBe('SERVING');
  fixture.server.setServing(true);
});

test('liveness is SERVING for as long as the process answers, also when all else is NOT_SERVING', async () => {
  fixture.server.setServing(false);
  expect([await check(''), await check(ItemCatalogService.typeName)]).toEqual(['NOT_SERVING', 'NOT_SERVING']);
  expect(await check('liveness')).toBe('SERVING');
  fixture.server.setServing(true);
});

test('reflection lists the services and describes them, without a token', async () => {
  const folder = createRequire(import.meta.url)
    .resolve('@grpc/reflection/package.json')
    .replace('package.json', '');
  const definitions = loadSync('grpc/reflection/v1/reflection.proto', {
    includeDirs: [`${folder}build/proto`],
    keepCase: true,
  }) as unknown as Definitions;
  const { path, requestSerialize, responseDeserialize } =
    definitions['grpc.reflection.v1.ServerReflection']!.ServerReflectionInfo!;
  const stream = channel.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  const answers: Record<string, unknown>[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    stream
      .on('data', (answer) => answers.push(answer))
      .on('end', resolve)
      .on('error', reject);
  });
  stream.write({ list_services: '' });
  stream.write({ file_containing_symbol: ItemCatalogService.typeName });
  stream.end();
  await ended;

  const [listed, described] = answers as [
    { list_services_response: { service: { name: string }[] } },
    { file_descriptor_response: { file_descriptor_proto: Buffer[] } },
  ];
  expect(listed.list_services_response.service.map(({ name }) => name)).toEqual([ItemCatalogService.typeName]);
  expect(Buffer.concat(described.file_descriptor_response.file_descriptor_proto).toString('latin1')).toContain(
    'CreateItem',
  );
});

test('an unknown method is UNIMPLEMENTED', async () => {
  const asIs = (bytes: Buffer) => bytes;
  const fault = await new Promise<ServiceError | null>((resolve) => {
    channel.makeUnaryRequest('/no.such.Service/Method', asIs, asIs, Buffer.alloc(0), (error) => resolve(error));
  });
  expect(fault?.code).toBe(12);
  expect(fault?.metadata satisfies Metadata | undefined).toBeDefined();
});
