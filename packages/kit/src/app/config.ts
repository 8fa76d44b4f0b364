import { type CleanedEnv, cleanEnv } from 'envalid';
import { bool, count, hexKey, list, listenPort, postgresUrls, ratio, str, url } from './settings.ts';

export { bool, count, hexKey, list, listenPort, makeValidator, num, port, ratio, str, url } from './settings.ts';

/** The settings that every service has: the contract of its environment. */
export const commonSettings = {
  HOST: str({ default: '0.0.0.0', desc: 'Address to listen on', example: '127.0.0.1' }),
  GRPC_PORT: listenPort({ desc: 'Port of the gRPC server; 0: any free one', example: '50051' }),
  METRICS_PORT: listenPort({ desc: 'Port of GET /metrics; 0: any free one', example: '9464' }),
  POSTGRES_URLS: postgresUrls({
    desc: 'Every Postgres node, comma separated, with the role and its password; sslmode=verify-full for TLS',
    example: 'postgres://user:password@db-0:5432/name,postgres://user:password@db-1:5432/name',
  }),
  POSTGRES_HEADLESS: bool({
    default: false,
    desc: 'Whether a host in POSTGRES_URLS stands for as many nodes as it has addresses, asked again every 2 s',
    example: 'true',
  }),
  POSTGRES_POOL_SIZE: count({ default: 10, desc: 'Connections to each Postgres node', example: '10' }),
  MAX_REPLICA_LAG_MS: count({ default: 5_000, desc: 'A replica further behind is not read', example: '5000' }),
  REDIS_NODES: list({
    desc: 'Nodes of the Redis cluster, comma separated host:port',
    example: 'redis-0:6379,redis-1:6379',
  }),
  REDIS_USERNAME: str({
    default: '',
    desc: 'User of the Redis cluster; empty: the default user',
    example: 'realmkeep',
  }),
  REDIS_TLS: bool({
    default: false,
    desc: 'Whether the Redis cluster is spoken to by TLS; its nodes must be known by names of their certificates',
    example: 'true',
  }),
  REDIS_PASSWORD: str({ default: '', desc: 'Password of the Redis cluster; empty: none', example: 'secret' }),
  JWKS_FILE: str({
    default: undefined,
    requiredWhen: ({ JWKS_URI }) => JWKS_URI === undefined,
    desc: 'Public keys of callers’ tokens, a JWK set or PEM; not needed with JWKS_URI',
    example: '/etc/realmkeep/jwks.json',
  }),
  JWKS_URI: url({
    default: undefined,
    desc: 'Where a provider shows the public keys of callers’ tokens as a JWK set, in the stead of JWKS_FILE',
    example: 'https://accounts.example.com/.well-known/jwks.json',
  }),
  INTERNAL_JWKS_FILE: str({
    desc: 'Public keys of services’ tokens, a JWK set or PEM',
    example: '/etc/realmkeep/internal.jwks.json',
  }),
  INTERNAL_KEY_FILE: str({
    desc: 'Private key of services’ tokens, a JWK or PEM',
    example: '/etc/realmkeep/internal.jwk.json',
  }),
  PAGE_TOKEN_KEY: hexKey({
    desc: 'Key of page tokens, 32 bytes in hexadecimal, the same for all replicas of a service',
    example: 'the output of: openssl rand -hex 32',
  }),
  MAX_IN_WORK: count({ default: 1_000, desc: 'Requests in work at once; more are refused', example: '1000' }),
  MAX_STREAMS: count({ default: 10_000, desc: 'Streams open at once; more are refused', example: '10000' }),
  DRAIN_DELAY_MS: count({ default: 5_000, desc: 'Wait between NOT_SERVING and GOAWAY', example: '5000' }),
  DRAIN_TIMEOUT_MS: count({ default: 15_000, desc: 'Time for running calls to finish', example: '15000' }),
  LOG_LEVEL: str({
    default: 'info',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    desc: 'Least level that is logged',
    example: 'info',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: str({
    default: undefined,
    desc: 'Where traces go by OTLP over HTTP; absent: none are made',
    example: 'http://collector:4318',
  }),
  OTLP_METRICS: bool({ default: false, desc: 'Whether metrics go to that endpoint too', example: 'true' }),
  TRACE_SAMPLE_RATIO: ratio({ default: 0.01, desc: 'Share of new traces that is sampled', example: '0.01' }),
};

/** The settings that every service has, read. */
export type CommonConfig = CleanedEnv<typeof commonSettings>;

/** The environment does not fit the settings. The message has one line for each fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads the settings once. An empty variable counts as absent.
 *
 * @throws ConfigError that lists every fault: the variable, what is wrong, what it is for and an example
 */
export function readConfig<T extends Record<string, { desc?: string; example?: string }>>(
  spec: T,
  env: NodeJS.ProcessEnv = process.env,
): Readonly<CleanedEnv<T>> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  return cleanEnv(given, spec, {
    reporter: ({ errors }) => {
      const faults = Object.entries(errors).map(([name, error]) => {
        const { desc, example } = spec[name] ?? {};
        const wrong = given[name] === undefined ? 'is missing' : `is wrong: ${(error as Error).message}`;
        return `  ${name} ${wrong}. ${desc ?? 'No description'}${example ? ` (for example ${example})` : ''}.`;
      });
      if (faults.length > 0) throw new ConfigError(`The configuration has faults:\n${faults.join('\n')}`);
    },
  });
}
