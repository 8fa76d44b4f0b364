import { Client, credentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { Stage } from '../stage.ts';

const pass = (bytes: Buffer) => bytes;
// ServerReflectionRequest { list_services: "" }; HealthCheckRequest { service }.
const listServices = Buffer.from([0x3a, 0x00]);
const healthOf = (service: string) => Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]);
// HealthCheckResponse { status: SERVING }.
const serving = Buffer.from([0x08, 0x01]);

const contract = {
  'player-state': ['PlayerStateService', 'ItemCatalogService', 'ItemEventService', 'SessionService'].map(
    (name) => `realmkeep.player_state.v1.${name}`,
  ),
  'item-location': ['ItemLocationService', 'LocationService', 'PlayerItemLocationService'].map(
    (name) => `realmkeep.item_location.v1.${name}`,
  ),
  'area-stats': ['realmkeep.area_stats.v1.AreaStatsService'],
} as const;

/** What every process tells an operator who reaches it past the ingress. */
export function processStories(stage: Stage): void {
  const withProcess = async <T>(service: keyof typeof contract, ask: (client: Client) => Promise<T>): Promise<T> => {
    const client = new Client(stage.realm.services[service][0].address, credentials.createInsecure());
    try {
      return await ask(client);
    } finally {
      client.close();
    }
  };

  describe.each(Object.entries(contract))('a process of %s', (name, services) => {
    const service = name as keyof typeof contract;

    it('lists its services by reflection', async () => {
      const listed = await withProcess(service, (client) => {
        const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
        const call = client.makeBidiStreamRequest(path, pass, pass);
        return new Promise<string>((resolve, reject) => {
          call.on('data', (bytes: Buffer) => {
            call.end();
            resolve(bytes.toString('latin1'));
          });
          call.on('error', reject);
          call.write(listServices);
        });
      });
      for (const each of services) {
        expect(listed).toContain(each);
      }
    });

    it('answers its health, whole and for each service', async () => {
      for (const each of ['', ...services]) {
        const answer = await withProcess(service, (client) => {
          return new Promise((resolve, reject) => {
            client.makeUnaryRequest('/grpc.health.v1.Health/Check', pass, pass, healthOf(each), (error, bytes) =>
              error ? reject(error) : resolve(bytes),
            );
          });
        });
        expect(answer, each).toEqual(serving);
      }
    });
  });
}
