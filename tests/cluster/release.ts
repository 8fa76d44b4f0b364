import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { until } from '@realmkeep/testkit/parts/until';
import { command } from './command.ts';

const CHART = fileURLToPath(new URL('../../charts/realmkeep', import.meta.url));
/** The release's name, with which the names of all of its parts begin. */
export const NAME = 'realmkeep';

/** Values of the images, for a cluster that can not pull the public ones: a file, by this setting. */
const IMAGES = process.env.CLUSTER_VALUES;

export type Release = {
  readonly namespace: string;
  /** kubectl in the release's namespace. */
  kubectl(...args: string[]): Promise<string>;
  /** Reads objects, as `kubectl get <what> -o json` prints them. */
  get<T>(...what: string[]): Promise<T>;
  /** Runs helm for the release: `helm('test')` is `helm test <name>`. */
  helm(verb: string, ...args: string[]): Promise<string>;
  /** Installs, or upgrades, with these values files and settings, and waits until everything is ready. */
  deploy(verb: 'install' | 'upgrade', values: string[], settings?: Record<string, string>): Promise<void>;
  /** A value of a Secret. */
  secret(name: string, key: string): Promise<string>;
  /** Uninstalls, and answers what is left of the release in its namespace; then removes the namespace. Once. */
  remove(): Promise<string[]>;
};

/** A fresh namespace for a release of the chart; nothing is installed yet. */
export async function openRelease(purpose: string): Promise<Release> {
  const namespace = `realmkeep-${purpose}-${randomBytes(3).toString('hex')}`;
  await command('kubectl', ['create', 'namespace', namespace]);
  const kubectl = (...args: string[]) => command('kubectl', ['--namespace', namespace, ...args]);
  const helm = (verb: string, ...args: string[]) => command('helm', [verb, NAME, '--namespace', namespace, ...args]);
  const names = async () => {
    const own = 'all,configmaps,secrets,persistentvolumeclaims,networkpolicies,serviceaccounts,poddisruptionbudgets';
    const served = await kubectl('api-versions');
    const ofOperators = served.split('\n').includes('postgresql.cnpg.io/v1')
      ? ',clusters.postgresql.cnpg.io,databases.postgresql.cnpg.io'
      : '';
    const found = await kubectl('get', own + ofOperators, '--output', 'name', '--ignore-not-found');
    // What every namespace has.
    return found.split('\n').filter((name) => name !== '' && !/kube-root-ca.crt$|serviceaccount\/default$/.test(name));
  };
  const get = async <T>(...what: string[]): Promise<T> => JSON.parse(await kubectl('get', ...what, '--output', 'json'));
  let removed = false;
  return {
    namespace,
    kubectl,
    get,
    helm,
    deploy: async (verb, values, settings = {}) => {
      const files = [...values.map(valuesFile), ...(IMAGES ? [IMAGES] : [])].flatMap((file) => ['--values', file]);
      const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
      await helm(verb, CHART, ...files, ...set, '--wait', '--timeout', '8m');
    },
    secret: async (name, key) => {
      const { data } = await get<{ data: Record<string, string> }>('secret', name);
      return Buffer.from(data[key]!, 'base64').toString();
    },
    remove: async () => {
      if (removed) return [];
      removed = true;
      await helm('uninstall', '--wait', '--ignore-not-found', '--timeout', '5m');
      // Pods that drain, and claims that go with them, take a moment longer.
      let left = await names();
      const gone = async () => {
        left = await names();
        return left.length === 0;
      };
      await until(gone, { what: 'nothing to be left', within: 120_000, every: 1_000 }).catch(() => undefined);
      await command('kubectl', ['delete', 'namespace', namespace, '--wait=false']);
      return left;
    },
  };
}

function valuesFile(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
