import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

/** A proxy of TCP in front of one server, which loses connections at the worst moment. */
export type CuttingProxy = {
  readonly port: number;
  /**
   * Cuts the next connection on which a client sends these bytes: `answer` once the server answers, so that the work is
   * done and nobody hears of it; `request` as soon as the server has the request, which it then works on for nobody.
   * Resolves when it is cut. The server's side stays open after `request`, as it does when a client's machine dies.
   */
  cutNext(bytes: string, at: 'request' | 'answer'): Promise<void>;
  close(): Promise<void>;
};

/** Starts a proxy on 127.0.0.1 in front of a port there. */
export async function startCuttingProxy(port: number): Promise<CuttingProxy> {
  type Cut = { bytes: string; at: 'request' | 'answer'; done: () => void };
  let cut: Cut | undefined;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  };

  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    keep(client);
    keep(upstream);
    let doomed: Cut | undefined;
    client.on('data', (data) => {
      if (cut && data.includes(cut.bytes)) {
        doomed = cut;
        cut = undefined;
      }
      upstream.write(data, () => {
        if (doomed?.at !== 'request') return;
        client.destroy();
        doomed.done();
      });
    });
    upstream.on('data', (data) => {
      if (!doomed) return client.write(data);
      if (doomed.at === 'request') return;
      client.destroy();
      upstream.destroy();
      doomed.done();
    });
    client.on('close', () => doomed?.at !== 'request' && upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cutNext: (bytes, at) =>
      new Promise((done) => {
        cut = { bytes, at, done };
      }),
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
