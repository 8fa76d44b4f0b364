import { lookup } from 'node:dns/promises';
import type pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';

/** One server: the URL that leads to it, and which address of the URL's host is meant; absent: there is but one. */
export type Place = { readonly url: string; readonly address?: string };

/** Answers the addresses that a host name stands for, in any order. Throws when there are none. */
export type Lookup = (host: string) => Promise<string[]>;

/** "host:port" of a place, with the address for the host where one is meant. */
export function nameOf({ url, address }: Place): string {
  const { hostname, port } = new URL(url);
  return `${address ?? hostname}:${port || 5432}`;
}

/**
 * How to connect to a place. TLS is as the URL's `sslmode` says, and the server's certificate is checked against the host
 * of the URL, whichever of its addresses is meant.
 */
export function connectionTo({ url, address }: Place): pg.ClientConfig {
  if (address === undefined) return { connectionString: url };
  const config = parseIntoClientConfig(url);
  const { ssl, host } = config;
  if (!ssl || host === undefined) return { ...config, host: address };
  return { ...config, host: address, ssl: { ...(ssl === true ? {} : ssl), servername: host } };
}

/** Asks the system. A host of both families answers with its IPv4 addresses, for they lead to the same servers. */
export async function lookupHost(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true, order: 'ipv4first' });
  return found.filter(({ family }) => family === found[0]?.family).map(({ address }) => address);
}
