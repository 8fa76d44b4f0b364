import { Metadata, Server, ServerCredentials } from '@grpc/grpc-js';

/** What the parent sends: where to answer, with which bytes and which response headers. */
export type EchoOrder = { path: string; answer: Uint8Array; headers: Record<string, string> };

// HealthCheckResponse { status = 1: SERVING (1) }.
const SERVING = Buffer.from([0x08, 0x01]);

// The reference: a bare grpc-js server that hands over ready bytes. No interceptor, no decoding, no store.
process.once('message', (order: EchoOrder) => {
  const answer = Buffer.from(order.answer);
  const server = new Server({ 'grpc.enable_channelz': 0, 'grpc.max_concurrent_streams': 200 });
  const echo = {
    path: order.path,
    requestStream: false,
    responseStream: false,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  };
  // Envoy sends nothing to a server that does not say SERVING.
  const check = { ...echo, path: '/grpc.health.v1.Health/Check' };
  server.addService(
    { echo, check },
    {
      echo: (call: { sendMetadata: (metadata: Metadata) => void }, done: (error: null, bytes: Buffer) => void) => {
        const metadata = new Metadata();
        for (const [name, value] of Object.entries(order.headers)) {
          metadata.set(name, value);
        }
        call.sendMetadata(metadata);
        done(null, answer);
      },
      check: (_: object, done: (error: null, bytes: Buffer) => void) => done(null, SERVING),
    },
  );
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error) {
      throw error;
    }
    process.send?.({ port });
  });
});
process.once('disconnect', () => process.exit());
