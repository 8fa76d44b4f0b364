import { frame } from './grpc-frame.ts';

/** Framed requests in one piece, which goes to another process at once. `ends` is where each one ends. */
export type Requests = { bytes: Uint8Array; ends: Uint32Array };

/** Frames messages and packs them. */
export function packRequests(messages: Uint8Array[]): Requests {
  const framed = messages.map(frame);
  const ends = new Uint32Array(framed.length);
  let end = 0;
  framed.forEach((each, index) => {
    end += each.length;
    ends[index] = end;
  });
  return { bytes: Buffer.concat(framed), ends };
}

/** The framed request of that place. */
export function requestAt({ bytes, ends }: Requests, index: number): Uint8Array {
  return bytes.subarray(index === 0 ? 0 : ends[index - 1]!, ends[index]);
}
