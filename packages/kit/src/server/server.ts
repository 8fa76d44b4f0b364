import type {
  DescMethod,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
} from '@bufbuild/protobuf';
import { type MethodDefinition, Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
import type { TokenVerifier } from '../auth/token-verifier.ts';
import type { Logger } from '../log/logger.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { accessOf } from './access.ts';
import { createAdmission } from './admission.ts';
import { createAuthenticate } from './authenticate.ts';
import { authorize } from './authorize.ts';
import type { Method } from './call.ts';
import { answerRequests, clientStreamingHandler } from './client-streaming.ts';
import { decode } from './decode.ts';
import { type DrainWaits, drainServer } from './drain.ts';
import { MAX_MESSAGE_BYTES } from './encode.ts';
import { createErrors } from './errors.ts';
import { serveHealth } from './health.ts';
import type { ClientStreamingHandler, Implementation, ServerStreamingHandler, UnaryHandler } from './implementation.ts';
import { holdToOwnData } from './ownership.ts';
import { serveReflection } from './reflection.ts';
import { answerStream, serverStreamingHandler } from './server-streaming.ts';
import { compose, type Interceptor } from './steps.ts';
import { createTelemetry } from './telemetry.ts';
import { answerUnary, unaryHandler } from './unary.ts';
import { validate } from './validate.ts';

const TRANSPORT = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  // The ingress is told the same number: with more streams than this on a connection, calls would fail.
  'grpc.max_concurrent_streams': 200,
  // Bookkeeping that nobody reads, for a fifth of the throughput.
  'grpc.enable_channelz': 0,
  // Connections whose other end has vanished are found out and dropped.
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
};

/** A server that answers calls once it listens. */
export type RpcServer = {
  /** Listens and reports SERVING. Resolves to the port. */
  listen(host: string, port: number): Promise<number>;
  /** Says what `grpc.health.v1` answers, for one service or all. */
  setServing(serving: boolean, service?: string): void;
  /** Takes the server out of service without losing a call. Resolves when every connection is closed. */
  drain(waits: DrainWaits): Promise<void>;
};

/**
 * Makes a gRPC server of implementations, with health and reflection.
 *
 * @param domain the domain of its errors
 * @param maxInWork unary calls in work at once; `maxStreams`: streams open at once
 * @throws when a method does not say who may call it, or has no handler
 */
export function createServer({
  domain,
  implementations,
  verifier,
  logger,
  telemetry,
  maxInWork,
  maxStreams,
}: {
  domain: string;
  implementations: Implementation[];
  verifier: TokenVerifier;
  logger: Logger;
  telemetry: Pick<Telemetry, 'meter' | 'tracer' | 'callDurations' | 'sampleRatio'>;
  maxInWork: number;
  maxStreams: number;
}): RpcServer {
  const server = new Server(TRANSPORT);
  const admission = createAdmission({ maxInWork, maxStreams });
  const caller = [
    createTelemetry(telemetry),
    createErrors({ domain, logger }),
    createAuthenticate(verifier),
    authorize,
  ];
  const steps = {
    unary: [...caller, decode, holdToOwnData, validate, admission.unary],
    serverStreaming: [...caller, decode, holdToOwnData, validate, admission.streaming],
    // Its requests are decoded and validated as they are read.
    clientStreaming: [...caller, admission.streaming],
  };
  for (const implementation of implementations) addService(server, implementation, steps);

  const services = implementations.map(({ service }) => service.typeName);
  const health = serveHealth(server, services);
  serveReflection(server, services);
  telemetry.meter
    .createObservableGauge('rpc.server.in_work', { description: 'Unary calls in work' })
    .addCallback((result) => result.observe(admission.inWork()));
  telemetry.meter
    .createObservableGauge('rpc.server.open_streams', { description: 'Streams that are open' })
    .addCallback((result) => result.observe(admission.openStreams()));

  const { endStreams } = admission;
  let address: string | undefined;
  return {
    async listen(host, port) {
      const name = host.includes(':') ? `[${host}]` : host;
      const bound = await new Promise<number>((resolve, reject) => {
        server.bindAsync(`${name}:${port}`, ServerCredentials.createInsecure(), (fault, actual) =>
          fault ? reject(fault) : resolve(actual),
        );
      });
      address = `${name}:${bound}`;
      health.set(true);
      return bound;
    },
    setServing: health.set,
    drain: (waits) => drainServer({ server, address, health, endStreams, logger }, waits),
  };
}

function addService(
  server: Server,
  { service, handlers }: Implementation,
  steps: Record<'unary' | 'serverStreaming' | 'clientStreaming', Interceptor[]>,
): void {
  const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
  const bound: Record<string, UntypedHandleCall> = {};
  for (const desc of service.methods) {
    const handler = handlers[desc.localName];
    if (typeof handler !== 'function') throw new Error(`${service.typeName}/${desc.name} has no handler`);
    const method: Method = { name: `${service.typeName}/${desc.name}`, desc, access: accessOf(desc) };
    definition[desc.localName] = definitionOf(method);
    switch (desc.methodKind) {
      case 'unary': {
        const last = answerUnary(handler as UnaryHandler<DescMethodUnary>);
        bound[desc.localName] = unaryHandler(method, compose(steps.unary, last));
        break;
      }
      case 'server_streaming': {
        const last = answerStream(handler as ServerStreamingHandler<DescMethodServerStreaming>);
        bound[desc.localName] = serverStreamingHandler(method, compose(steps.serverStreaming, last));
        break;
      }
      case 'client_streaming': {
        const last = answerRequests(handler as ClientStreamingHandler<DescMethodClientStreaming>);
        bound[desc.localName] = clientStreamingHandler(method, compose(steps.clientStreaming, last));
        break;
      }
      default:
        throw new Error(`${method.name} is ${desc.methodKind}, which this server does not serve`);
    }
  }
  server.addService(definition, bound);
}

// Messages pass the transport as bytes: a request is decoded once its caller is known, and an answer may be ready.
function definitionOf({ name, desc }: { name: string; desc: DescMethod }): MethodDefinition<Buffer, Buffer> {
  const asIs = (bytes: Buffer) => bytes;
  return {
    path: `/${name}`,
    requestStream: desc.methodKind === 'client_streaming',
    responseStream: desc.methodKind === 'server_streaming',
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}
