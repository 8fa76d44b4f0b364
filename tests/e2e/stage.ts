import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withClient } from '@realmkeep/testkit/parts/postgres-replica';
import type { TokenClaims } from '@realmkeep/testkit/tokens';
import { afterAll, beforeAll } from 'vitest';
import { connectParty, type Party } from '../../tools/demo/clients.ts';
import { startRealm } from '../../tools/local/realm.ts';
import type { ServiceName } from '../../tools/local/service-names.ts';
import type { ServiceProcess } from '../../tools/local/service-process.ts';
import { type RestAnswer, type RestOptions, restCall } from '../ingress/rest-call.ts';

/** How old `/stats` may be on this stage. */
export const STATS_TTL_MS = 1_000;

/** What the stories need of a realm, wherever it runs. */
export type StagedRealm = {
  /** The ingress: http://127.0.0.1:8080. */
  address: string;
  /** A caller's token, signed with the realm's key. */
  token(claims: TokenClaims): Promise<string>;
  /** The processes of each service; each can be asked past the ingress, stopped and started again. */
  services: Record<ServiceName, [StagedProcess, ...StagedProcess[]]>;
};

export type StagedProcess = Pick<ServiceProcess, 'address' | 'kill' | 'stop' | 'start'>;

/** A whole realm behind a real Envoy, and the parties that call it. Usable inside of tests. */
export type Stage = {
  readonly realm: StagedRealm;
  /** A game server, over gRPC through the ingress. */
  readonly server: Party;
  /** An operator, over gRPC through the ingress. */
  readonly admin: Party;
  /** A caller with that token, or without one: over gRPC, `web` gRPC-Web, through the ingress or at `address`. */
  connect(options: { token?: string | undefined; web?: boolean; address?: string }): Party;
  /** A REST call through the ingress. */
  rest(path: string, options?: RestOptions): Promise<RestAnswer>;
  token(role: TokenClaims['role'], subject?: string): Promise<string>;
  /** Creates a player with nothing in its pockets and answers its id. */
  player(name?: string): Promise<string>;
  /** Asks a service's own database, as its owner on the primary. */
  query(service: ServiceName, text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
};

/** A realm that was started for the stage. */
export type StartedRealm = StagedRealm & {
  /** Where a service's database is, as its owner on the primary. */
  ownerUrl(service: ServiceName): string;
  stop(): Promise<void>;
};

/** Starts one realm before the tests of the file, with two processes of player-state, and ends it after them. */
export function setStage(): Stage {
  const folder = mkdtempSync(join(tmpdir(), 'realmkeep-e2e-'));
  return stageOn(async () => {
    const realm = await startRealm({
      folder,
      fsync: false,
      replicas: { 'player-state': 2 },
      env: { AREA_STATS_TTL_SECONDS: String(STATS_TTL_MS / 1_000), LOG_LEVEL: 'warn' },
    });
    return {
      ...realm,
      ownerUrl: (service) => realm.databases[service].ownerUrl,
      stop: async () => {
        await realm.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  });
}

/** The stage on whatever realm `start` starts before the tests of the file; it is stopped after them. */
export function stageOn(start: () => Promise<StartedRealm>): Stage {
  const parties: Party[] = [];
  let realm: StartedRealm | undefined;
  let server: Party | undefined;
  let admin: Party | undefined;

  const started = <T>(part: T | undefined): T => {
    if (part === undefined) {
      throw new Error('the stage is set before the tests, not before their definition');
    }
    return part;
  };
  const stage: Stage = {
    get realm() {
      return started(realm);
    },
    get server() {
      return started(server);
    },
    get admin() {
      return started(admin);
    },
    connect: ({ token, web = false, address = new URL(stage.realm.address).host }) => {
      const party = connectParty({ address, token, web });
      parties.push(party);
      return party;
    },
    rest: (path, options) => restCall(`${stage.realm.address}${path}`, options),
    token: (role, subject = `e2e-${role}`) => stage.realm.token({ role, subject }),
    player: async (name = 'Ada') => {
      const playerId = randomUUID();
      await stage.server.players.createPlayer({ playerId, displayName: name });
      return playerId;
    },
    query: (service, text, values) =>
      withClient(
        started(realm).ownerUrl(service),
        async (client) => (await client.query<Record<string, unknown>>(text, values)).rows,
      ),
  };

  beforeAll(async () => {
    realm = await start();
    server = stage.connect({ token: await stage.token('server') });
    admin = stage.connect({ token: await stage.token('admin') });
  }, 600_000);

  afterAll(async () => {
    for (const party of parties) {
      party.close();
    }
    await realm?.stop();
  }, 180_000);

  return stage;
}
