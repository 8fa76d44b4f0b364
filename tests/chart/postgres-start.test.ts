import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './manifests.ts';

/** What the image is asked to start, where the setting is 200 and the primary wrote its WAL with `ofPrimary`. */
function startedBy(pod: string, ofPrimary: number): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'realmkeep-postgres-start-'));
  try {
    const script = join(folder, 'postgres-start.sh');
    copyFileSync(join(root, 'charts/realmkeep/files/stores/postgres-start.sh'), script);
    writeFileSync(join(folder, 'postgresql.conf'), "listen_addresses = '*'\nmax_connections = 200\n");
    program(folder, 'docker-entrypoint.sh', 'printf "%s\\n" "$@"');
    // Postgres words and aligns it so.
    program(
      folder,
      'pg_controldata',
      `printf '%s\\n' 'wal_level setting:                    replica' 'max_connections setting:              ${ofPrimary}' 'max_worker_processes setting:         8'`,
    );
    const { status, stdout, stderr } = spawnSync('sh', [script], {
      env: { PATH: `${folder}:${process.env.PATH}`, POD_NAME: pod },
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    return stdout.trim().replaceAll(`${folder}/`, '').split('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function program(folder: string, name: string, body: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(folder, name), 0o755);
}

describe('the start of a dev Postgres', () => {
  it.each([
    ['a replica takes the larger max_connections of its primary', 'r-postgres-1', 500, ['max_connections=500']],
    ['a replica takes a setting that is larger than its primary had', 'r-postgres-2', 100, []],
    ['the primary takes the setting', 'r-postgres-0', 500, []],
  ])('%s', (_, pod, ofPrimary, further) => {
    expect(startedBy(pod, ofPrimary).filter((each) => each !== '-c')).toEqual([
      'postgres',
      'config_file=postgresql.conf',
      'hba_file=pg_hba.conf',
      `cluster_name=${pod}`,
      ...further,
    ]);
  });
});
