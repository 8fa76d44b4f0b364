import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@realmkeep/testkit/parts/until';
import { createKeys } from '@realmkeep/testkit/tokens';
import { docker } from './docker.ts';

/** What a service says first once all of its code runs: the portal has no database to wait for. */
const UP = new Set(['waiting for the database', 'serving']);

/** Settings that let any service start, with no store to reach. */
const ENV = {
  GRPC_PORT: '50051',
  HTTP_PORT: '8081',
  METRICS_PORT: '9464',
  POSTGRES_URLS: 'postgres://nobody:none@127.0.0.1:1/none',
  REDIS_NODES: '127.0.0.1:1',
  JWKS_FILE: '/keys/key.json',
  INTERNAL_JWKS_FILE: '/keys/key.json',
  INTERNAL_KEY_FILE: '/keys/key.json',
  PAGE_TOKEN_KEY: 'ab'.repeat(32),
  PLAYER_STATE_ADDRESS: '127.0.0.1:1',
  ITEM_LOCATION_ADDRESS: '127.0.0.1:1',
  AREA_STATS_ADDRESS: '127.0.0.1:1',
};

/**
 * Runs the image as a cluster does (read-only, no rights, not root) and answers the milliseconds from the container's
 * start until the service serves, or waits for its database.
 */
export async function measureStart(image: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'realmkeep-image-'));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'key.json'), JSON.stringify((await createKeys('none')).privateKey));
  const env = Object.entries(ENV).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const confined = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--user=65532:65532'];
  const container = await docker(['run', '--detach', ...confined, `--volume=${folder}:/keys:ro`, ...env, image]);
  try {
    const upAt = await until(async () => timeOf(await docker(['logs', container])), { what: `${image} to start` });
    const startedAt = await docker(['inspect', '--format', '{{.State.StartedAt}}', container]);
    return upAt - Date.parse(startedAt);
  } finally {
    await docker(['rm', '--force', container]);
    rmSync(folder, { recursive: true });
  }
}

/** When the service said that it is up; false when it did not yet. */
function timeOf(log: string): number | false {
  const entries = log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { msg: string; time: string });
  const up = entries.find(({ msg }) => UP.has(msg));
  return up !== undefined && Date.parse(up.time);
}
