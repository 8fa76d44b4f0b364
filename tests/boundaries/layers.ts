/**
 * Who calls whom inside a service: `main -> app -> rpc -> service -> leaves`. Leaves (repository, cache, errors, events)
 * never call each other; only `service` and the workers, which `app` starts beside it, know the order of things. A noun
 * is a format or a rule, and calls nouns alone. Types may be named anywhere: a name is no call.
 */
export const ARROWS = {
  main: ['app', 'config'],
  app: ['config', 'rpc', 'service', 'worker', 'repository', 'cache', 'errors', 'events', 'noun'],
  config: [],
  rpc: ['service', 'noun'],
  service: ['repository', 'cache', 'errors', 'events', 'noun'],
  worker: ['repository', 'cache', 'errors', 'events', 'noun'],
  repository: ['noun', 'generated'],
  cache: ['noun'],
  errors: ['noun'],
  events: ['noun'],
  noun: ['noun'],
  generated: [],
} as const satisfies Record<string, readonly string[]>;

export type Layer = keyof typeof ARROWS;

/** What runs beside the calls of clients, by its file. */
const WORKERS = ['follower', 'chores', 'consumers', 'delivery', 'jobs', 'recorder', 'watches'];

/** The layer of a file, by its path below a service's `src`. */
export function layerOf(path: string): Layer {
  const [name] = path.split(/[/.]/);
  if (name === 'generated' || name === 'repository') return name;
  if (WORKERS.includes(name!)) return 'worker';
  return name! in ARROWS && name !== 'noun' && name !== 'worker' ? (name as Layer) : 'noun';
}
