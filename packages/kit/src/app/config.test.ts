import { expect, test } from 'vitest';
import { ConfigError, commonSettings, num, readConfig } from './config.ts';

const good = {
  GRPC_PORT: '50051',
  METRICS_PORT: '0',
  POSTGRES_URLS: 'postgres://u:secret@a:5432/d, postgres://u:secret@b:5432/d',
  REDIS_NODES: 'a:1,b:2',
  JWKS_FILE: 'jwks.json',
  INTERNAL_JWKS_FILE: 'internal.jwks.json',
  INTERNAL_KEY_FILE: 'internal.jwk.json',
  PAGE_TOKEN_KEY: 'ab'.repeat(32),
};

function faultsOf(env: NodeJS.ProcessEnv): string {
  try {
    readConfig(commonSettings, env);
  } catch (fault) {
    expect(fault).toBeInstanceOf(ConfigError);
    return (fault as ConfigError).message;
  }
  throw new Error('it has no faults');
}

test('settings are read with their defaults, and a service adds its own', () => {
  const spec = { ...commonSettings, AREA_STATS_TTL_SECONDS: num({ default: 30, desc: 'how long' }) };
  const config = readConfig(spec, { ...good, MAX_IN_WORK: '', AREA_STATS_TTL_SECONDS: '2' });
  const urls: string[] = config.POSTGRES_URLS;
  expect(urls).toEqual(['postgres://u:secret@a:5432/d', 'postgres://u:secret@b:5432/d']);
  expect(config).toMatchObject({ METRICS_PORT: 0, MAX_IN_WORK: 1_000, LOG_LEVEL: 'info', AREA_STATS_TTL_SECONDS: 2 });
  expect(config.OTEL_EXPORTER_OTLP_ENDPOINT).toBeUndefined();
});

test('every fault is told at once, with the variable, what is wrong and an example', () => {
  const { JWKS_FILE: _, ...rest } = good;
  const told = faultsOf({ ...rest, GRPC_PORT: '70000', TRACE_SAMPLE_RATIO: '2', LOG_LEVEL: 'loud' });
  expect(told.split('\n')).toHaveLength(5);
  expect(told).toContain('GRPC_PORT is wrong: "70000" is no port');
  expect(told).toContain('(for example 50051)');
  expect(told).toContain('JWKS_FILE is missing');
  expect(told).toContain('TRACE_SAMPLE_RATIO is wrong');
  expect(told).toContain('LOG_LEVEL is wrong');
});

test('a fault never repeats a secret', () => {
  const told = faultsOf({ ...good, PAGE_TOKEN_KEY: 'hunter2', POSTGRES_URLS: 'mysql://u:hunter2@a/d' });
  expect(told).toContain('PAGE_TOKEN_KEY is wrong');
  expect(told).toContain('entry 1 is no postgres:// address');
  expect(told).not.toContain('hunter2');
});
