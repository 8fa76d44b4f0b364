import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { type Spawned, startChild } from '@realmkeep/testkit/parts/child';
import { createPart, type Part } from '@realmkeep/testkit/parts/part';
import type { ServiceName } from './service-names.ts';

export type ServiceProcess = Part & {
  /** host:port of its gRPC server. */
  readonly address: string;
  /** host:port of GET /metrics. */
  readonly metricsAddress: string;
};

/** One process of a service, run from its source. It is ready when its health service says SERVING. */
export function createServiceProcess(options: {
  service: ServiceName;
  /** What sets it apart from other processes of the same service. */
  name: string;
  grpcPort: number;
  metricsPort: number;
  env: Record<string, string>;
  logs: string;
  spawned: Spawned | undefined;
}): ServiceProcess {
  const { service, name, grpcPort, metricsPort, env, logs, spawned } = options;
  const folder = fileURLToPath(new URL(`../../services/${service}`, import.meta.url));
  const address = `127.0.0.1:${grpcPort}`;
  const part = createPart({
    name,
    launch: (signal) =>
      startChild({
        name,
        command: process.execPath,
        args: [join(folder, 'src', 'main.ts')],
        cwd: folder,
        env: {
          ...process.env,
          HOST: '127.0.0.1',
          GRPC_PORT: String(grpcPort),
          METRICS_PORT: String(metricsPort),
          ...env,
        },
        log: join(logs, `${name}.log`),
        ready: () => isServing(address),
        readyWithin: 60_000,
        // Longer than a service takes to drain, so that no running call is cut off.
        stopWithin: 25_000,
        spawned,
        signal,
      }),
  });
  return Object.assign(part, { address, metricsAddress: `127.0.0.1:${metricsPort}` });
}

// HealthCheckResponse { status = 1: SERVING (1) }.
const SERVING = Buffer.from([0x08, 0x01]);
const pass = (bytes: Buffer) => bytes;
const HealthClient = makeGenericClientConstructor({}, 'grpc.health.v1.Health');

/** Whether the health service at `host:port` says SERVING. */
export function isServing(address: string): Promise<boolean> {
  const client = new HealthClient(address, credentials.createInsecure());
  const deadline = Date.now() + 2_000;
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      pass,
      pass,
      Buffer.alloc(0),
      { deadline },
      (error, answer) => {
        client.close();
        resolve(!error && answer?.equals(SERVING) === true);
      },
    );
  });
}
