import { createHmac, timingSafeEqual } from 'node:crypto';
import type { WalPosition } from '../postgres/wal-position.ts';

/** Where the next page of a query begins. */
export type PageStart = {
  /** Whatever JSON the query's code chose; unchanged since it was signed. */
  cursor: unknown;
  /** What the serving node had replayed once the page was read. */
  wal?: WalPosition;
};

export type PageTokens = {
  /** Makes an opaque, URL-safe token; `query` is everything that the next request must ask alike, as one text. */
  sign(token: { query: string; cursor: unknown; wal?: WalPosition | undefined }): string;
  /** Undefined when the token is broken, altered, of another key or of another query. */
  open(query: string, token: string): PageStart | undefined;
};

const VERSION = 1;
const MAC_BYTES = 16;
const LONGEST = 4096;

/**
 * Page tokens under one key, of at least 32 bytes in hexadecimal, the same for all replicas of a service.
 *
 * A token is base64url of: one byte of version, 16 bytes of HMAC-SHA256, then JSON [cursor, timeline, lsn]. The query is
 * part of what is signed and not of the token, which keeps the token small.
 */
export function createPageTokens({ key }: { key: string }): PageTokens {
  const secret = Buffer.from(key, 'hex');
  if (secret.length < 32 || secret.length * 2 !== key.length) {
    throw new Error('the page token key must be at least 32 bytes in hexadecimal');
  }

  function mac(query: string, payload: Uint8Array): Buffer {
    const text = Buffer.from(query);
    // The length keeps a query's end and a payload's start apart.
    const head = Buffer.alloc(5);
    head[0] = VERSION;
    head.writeUInt32BE(text.length, 1);
    return createHmac('sha256', secret).update(head).update(text).update(payload).digest().subarray(0, MAC_BYTES);
  }

  return {
    sign: ({ query, cursor, wal }) => {
      const payload = Buffer.from(JSON.stringify(wal ? [cursor, wal.timeline, wal.lsn] : [cursor]));
      return Buffer.concat([Buffer.of(VERSION), mac(query, payload), payload]).toString('base64url');
    },
    open: (query, token) => {
      if (token.length > LONGEST) return undefined;
      const bytes = Buffer.from(token, 'base64url');
      // The decoder skips what is no base64url: only the one spelling of these bytes is taken.
      if (bytes[0] !== VERSION || bytes.length <= 1 + MAC_BYTES || bytes.toString('base64url') !== token)
        return undefined;
      const payload = bytes.subarray(1 + MAC_BYTES);
      if (!timingSafeEqual(bytes.subarray(1, 1 + MAC_BYTES), mac(query, payload))) return undefined;
      const [cursor, timeline, lsn] = JSON.parse(payload.toString()) as [unknown, number?, string?];
      return timeline === undefined || lsn === undefined ? { cursor } : { cursor, wal: { timeline, lsn } };
    },
  };
}
