import { answerOf, type GrpcAnswer } from './answer.ts';

const FRAME_HEADER = 5;
const TRAILERS = 0x80;

/** A gRPC-Web call as a browser makes it, seen on the wire: the status may be in the headers or in the last frame. */
export async function grpcWebCall(
  url: string,
  { token, request = new Uint8Array() }: { token?: string; request?: Uint8Array } = {},
): Promise<GrpcAnswer> {
  const frame = Buffer.alloc(FRAME_HEADER + request.length);
  frame.writeUInt32BE(request.length, 1);
  frame.set(request, FRAME_HEADER);
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/grpc-web+proto',
      'x-grpc-web': '1',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: frame,
  });
  if (response.status !== 200) throw new Error(`a gRPC-Web answer has the HTTP status 200, not ${response.status}`);
  const contentType = response.headers.get('content-type') ?? '';
  if (!contentType.startsWith('application/grpc-web')) throw new Error(`no gRPC-Web answer: ${contentType}`);
  const { body, trailers } = parse(Buffer.from(await response.arrayBuffer()));
  const read = (name: string) => trailers.get(name) ?? response.headers.get(name) ?? undefined;
  const details = read('grpc-status-details-bin');
  return answerOf(
    Number(read('grpc-status')),
    decodeURIComponent(read('grpc-message') ?? ''),
    details === undefined ? undefined : Buffer.from(details, 'base64'),
    body,
  );
}

function parse(bytes: Buffer): { body: Uint8Array; trailers: Map<string, string> } {
  const trailers = new Map<string, string>();
  let body = new Uint8Array();
  for (let at = 0; at < bytes.length; ) {
    const content = bytes.subarray(at + FRAME_HEADER, at + FRAME_HEADER + bytes.readUInt32BE(at + 1));
    if (bytes[at]! & TRAILERS) {
      for (const line of content.toString().split('\r\n')) {
        const [, name, value] = /^([^:]+): ?(.*)$/.exec(line) ?? [];
        if (name) trailers.set(name.toLowerCase(), value ?? '');
      }
    } else {
      body = new Uint8Array(content);
    }
    at += FRAME_HEADER + content.length;
  }
  return { body, trailers };
}
