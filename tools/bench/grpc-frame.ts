/** An uncompressed flag and four bytes of length. */
export const FRAME_HEADER = 5;

/** A message as gRPC puts it on the wire: its header, then the bytes. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(FRAME_HEADER + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, FRAME_HEADER);
  return framed;
}
