import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';

/** What the parent sends: where to answer, and with which bytes. */
export type HoldOrder = { path: string; answer: Uint8Array };

// The reference of open watches: a bare grpc-js server that sends ready bytes on each stream and leaves it open.
process.once('message', (order: HoldOrder) => {
  const answer = Buffer.from(order.answer);
  const server = new Server({ 'grpc.enable_channelz': 0, 'grpc.max_concurrent_streams': 200 });
  const hold = {
    path: order.path,
    requestStream: false,
    responseStream: true,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  };
  server.addService({ hold }, { hold: (call: ServerWritableStream<Buffer, Buffer>) => call.write(answer) });
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error) {
      throw error;
    }
    process.send?.({ port });
  });
});
process.once('disconnect', () => process.exit());
