import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { FRAME_HEADER } from './grpc-frame.ts';

/** How a call ended: its `grpc-status`, or `empty` for an OK without a message, or `broken` when there was none. */
export type Ended = { status: string; bytes: number };

/** Opens a connection with windows that hold back nothing. */
export function openSession(address: string): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://${address}`, { settings: { initialWindowSize: 1 << 20 } });
    session.once('connect', () => {
      session.setLocalWindowSize(1 << 24);
      resolve(session);
    });
    session.once('error', reject);
  });
}

/** The headers of a gRPC call. */
export function callHeaders({ path, token }: { path: string; token: string | undefined }): OutgoingHttpHeaders {
  return {
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
}

/** Makes one unary call with a framed request; never rejects. */
export function call(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body: Uint8Array): Promise<Ended> {
  return new Promise((resolve) => {
    let status: string | undefined;
    let bytes = 0;
    const stream = session.request(headers);
    const read = (fields: Record<string, unknown>) => {
      status = (fields['grpc-status'] as string | undefined) ?? status;
    };
    stream.on('response', read).on('trailers', read);
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      const seen = status === '0' && bytes < FRAME_HEADER ? 'empty' : (status ?? 'broken');
      resolve({ status: seen, bytes });
    });
    stream.end(body);
  });
}

/** Counts by key. */
export function countInto(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
