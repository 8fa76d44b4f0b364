import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a realm keeps from start to start: generated secrets and the ports that its parts had. */
export type State = {
  readonly folder: string;
  readonly logs: string;
  /** The secret of that name, made at its first use; 48 hexadecimal digits unless `bytes` says otherwise. */
  secret(name: string, bytes?: number): string;
  /** The port that a part had the last time. */
  port(name: string): number | undefined;
  rememberPort(name: string, port: number): void;
};

/** Opens a state folder, made when it is missing. An Error that says how to mend it when it belongs to someone else. */
export function openState(folder: string): State {
  try {
    mkdirSync(folder, { recursive: true });
    if (statSync(folder).uid !== process.getuid?.()) throw new Error('it belongs to another user');
    mkdirSync(join(folder, 'logs'), { recursive: true });
    // Postgres may run as another user, whose data lie inside; what is secret has its own mode.
    chmodSync(folder, 0o711);
  } catch (cause) {
    throw new Error(
      `${folder} can not be used: ${(cause as Error).message}. Mend it: start as the user that started here before, or remove that folder with all its data`,
      { cause },
    );
  }
  const secrets = openMap<string>(join(folder, 'secrets'));
  const ports = openMap<number>(join(folder, 'ports.json'));
  return {
    folder,
    logs: join(folder, 'logs'),
    secret: (name, bytes = 24) => secrets.get(name) ?? secrets.set(name, randomBytes(bytes).toString('hex')),
    port: ports.get,
    rememberPort: (name, port) => {
      if (ports.get(name) !== port) ports.set(name, port);
    },
  };
}

/** A small map in a JSON file that its owner alone may read; a change is written whole or not at all. */
function openMap<T>(file: string): { get(name: string): T | undefined; set(name: string, value: T): T } {
  const values = (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}) as Record<string, T>;
  return {
    get: (name) => values[name],
    set: (name, value) => {
      values[name] = value;
      writePrivate(file, JSON.stringify(values, undefined, 2));
      return value;
    },
  };
}

/** Writes a file that its owner alone may read, whole or not at all. */
export function writePrivate(file: string, text: string): void {
  writeFileSync(`${file}.new`, `${text}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
