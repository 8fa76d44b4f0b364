import { readFileSync } from 'node:fs';
import { create, createFileRegistry, type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { descriptorSetPath } from '@realmkeep/proto/descriptors';

export type Answer = Message | Error;

/** A call that reached the upstream. */
export type Arrival = { path: string; metadata: Metadata; request: Message };

/** All three services in one process: every RPC answers its empty response, unless a test says otherwise. */
export type Upstream = {
  port: number;
  arrivals: Arrival[];
  /** What the RPC of this path answers from now on. */
  answer(path: string, how: (arrival: Arrival) => Answer | Promise<Answer>): void;
  /** Forgets arrivals and answers. */
  reset(): void;
  stop(): void;
};

export async function startUpstream({ port = 0 }: { port?: number } = {}): Promise<Upstream> {
  const answers = new Map<string, (arrival: Arrival) => Answer | Promise<Answer>>();
  const arrivals: Arrival[] = [];
  const server = new Server({ 'grpc.max_concurrent_streams': 200 });
  const handlers: Record<string, (call: ServerUnaryCall<Message, Message>, reply: sendUnaryData<Message>) => void> = {};
  const definition: Record<string, ServiceDefinition[string]> = {};

  const descriptors = fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSetPath));
  for (const type of createFileRegistry(descriptors)) {
    if (type.kind !== 'service' || !type.typeName.startsWith('realmkeep.')) continue;
    for (const method of type.methods) {
      const path = `/${type.typeName}/${method.name}`;
      definition[path] = codec(path, method.input, method.output);
      handlers[path] = (call, reply) => {
        const arrival = { path, metadata: call.metadata, request: call.request };
        arrivals.push(arrival);
        const headers = new Metadata();
        headers.set('realmkeep-source', 'primary');
        void (async () => {
          const answer = (await answers.get(path)?.(arrival)) ?? create(method.output);
          if (answer instanceof Error) return reply(answer);
          call.sendMetadata(headers);
          reply(null, answer);
        })();
      };
    }
  }
  server.addService(definition, handlers);
  // grpc.health.v1: SERVING, for the ingress's health checks.
  server.addService(
    {
      check: {
        ...codec('/grpc.health.v1.Health/Check'),
        requestDeserialize: (bytes) => bytes,
        responseSerialize: (bytes) => bytes,
      },
    },
    { check: (_call: unknown, reply: sendUnaryData<Buffer>) => reply(null, Buffer.from([0x08, 0x01])) },
  );
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port: bound,
    arrivals,
    answer: (path, how) => {
      answers.set(path, how);
    },
    reset: () => {
      answers.clear();
      arrivals.length = 0;
    },
    stop: () => server.forceShutdown(),
  };
}

function codec(path: string, input?: DescMessage, output?: DescMessage): ServiceDefinition[string] {
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: (value) => value,
    requestDeserialize: (bytes) => fromBinary(input!, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(output!, message)),
    responseDeserialize: (bytes) => bytes,
  };
}
