import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DescService } from '@bufbuild/protobuf';
import { metrics, type Tracer, trace } from '@opentelemetry/api';
import { createTestTokens, type TestTokens } from '@realmkeep/testkit/tokens';
import { createTokenVerifier } from '../auth/token-verifier.ts';
import { type Client, createClient } from '../client/client.ts';
import { createLogger } from '../log/logger.ts';
import { createCallDurations } from '../telemetry/call-durations.ts';
import type { Implementation } from './implementation.ts';
import { createServer, type RpcServer } from './server.ts';

/** A real server on a free port of this machine, with keys of its own. */
export type ServerFixture = {
  readonly server: RpcServer;
  /** host:port */
  readonly address: string;
  readonly tokens: TestTokens;
  readonly jwksFile: string;
  /** What was logged, one object a line. */
  readonly logged: Record<string, unknown>[];
  /** A client that sends this token; without one, none. Closed with the server. */
  client<S extends DescService>(service: S, token?: string): Client<S>;
  close(): Promise<void>;
};

export async function startServerFixture({
  implementations,
  tokens,
  maxInWork = 1_000,
  maxStreams = 100,
  tracer = trace.getTracer('test'),
  sampleRatio = 0,
  host = '127.0.0.1',
  port = 0,
}: {
  implementations: Implementation[];
  tokens?: TestTokens;
  maxInWork?: number;
  maxStreams?: number;
  tracer?: Tracer;
  sampleRatio?: number;
  host?: string;
  port?: number;
}): Promise<ServerFixture> {
  const keys = tokens ?? (await createTestTokens());
  const folder = await mkdtemp(join(tmpdir(), 'kit-server-'));
  const jwksFile = join(folder, 'jwks.json');
  const internalJwksFile = join(folder, 'internal.jwks.json');
  await writeFile(jwksFile, JSON.stringify(keys.callers.jwks));
  await writeFile(internalJwksFile, JSON.stringify(keys.internal.jwks));

  const logged: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void logged.push(JSON.parse(line)) };
  const logger = createLogger({ name: 'test', level: 'info' }, destination);
  const verifier = createTokenVerifier({ jwksFile, internalJwksFile, logger });
  const callDurations = createCallDurations('test');
  const server = createServer({
    domain: 'test.realmkeep',
    implementations,
    verifier,
    logger,
    telemetry: { meter: metrics.getMeter('test'), tracer, callDurations, sampleRatio },
    maxInWork,
    maxStreams,
  });
  const address = `${host}:${await server.listen(host, port)}`;
  const clients: { close(): void }[] = [];

  return {
    server,
    address,
    tokens: keys,
    jwksFile,
    logged,
    client(service, token) {
      const serviceTokens = token === undefined ? {} : { serviceTokens: { token: async () => token } };
      const client = createClient(service, { address, ...serviceTokens });
      clients.push(client);
      return client;
    },
    async close() {
      for (const client of clients) client.close();
      await server.drain({ delayMs: 0, timeoutMs: 1_000 });
      verifier.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** The token of a service, as its own key signs it. */
export function serviceToken(tokens: TestTokens): Promise<string> {
  return tokens.token({ role: 'service', subject: 'a-service', issuer: 'realmkeep-internal' });
}

/** What a promise is rejected with. Fails when it is not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`it was expected to fail, and answered ${JSON.stringify(value)}`);
    },
    (fault: unknown) => fault,
  );
}
