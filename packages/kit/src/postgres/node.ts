import pg from 'pg';
import { connectionTo, nameOf, type Place } from './connection.ts';
import { isSessionOver } from './errors.ts';
import type { Statement } from './statement.ts';

export type NodeOptions = {
  place: Place;
  applicationName: string;
  poolSize: number;
  /** How long a work may wait for a connection, and a connection may take to open, in milliseconds. */
  connectionWaitMs: number;
  /** When the server cancels a statement, in milliseconds. */
  statementTimeoutMs: number;
};

/** One Postgres server and this process's connections to it. */
export type PostgresNode = {
  /** "host:port", for logs and metrics. */
  readonly name: string;
  readonly pool: pg.Pool;
  /** Runs the statement; `sent` is called when it goes out. An error of the statement keeps the connection. */
  query<R extends pg.QueryResultRow>(statement: Statement, sent?: () => void): Promise<pg.QueryResult<R>>;
  transaction<T>(work: (client: pg.PoolClient) => Promise<T>, sent?: () => void): Promise<T>;
  /** Throws the pooled connections away: idle ones now, the others when their work is done. The pool stays usable. */
  evict(): void;
  /** Breaks every connection, also those in use: for a server that no longer answers. */
  sever(): void;
  /** Ends the pool once its connections are given back, and breaks those that are not within 5 s. */
  close(): Promise<void>;
};

const CLOSE_TIMEOUT = 5_000;

export function createNode(options: NodeOptions): PostgresNode {
  const { place, applicationName, poolSize, connectionWaitMs, statementTimeoutMs } = options;
  const pool = new pg.Pool({
    ...connectionTo(place),
    application_name: applicationName,
    max: poolSize,
    connectionTimeoutMillis: connectionWaitMs,
    statement_timeout: statementTimeoutMs,
    idleTimeoutMillis: 300_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });

  const clients = new Set<pg.PoolClient>();
  const inUse = new Set<pg.PoolClient>();
  const condemned = new WeakSet<pg.PoolClient>();
  // An idle connection that breaks is the pool's to forget; the next work opens another.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    clients.add(client);
    // Without a listener a connection that breaks while in use would end the process; its query rejects anyway.
    client.on('error', () => undefined);
  });
  pool.on('acquire', (client) => inUse.add(client));
  pool.on('release', (_error, client) => {
    inUse.delete(client);
    // The pool drops a client that is ending; this event comes before it looks.
    if (condemned.has(client)) void client.end();
  });
  pool.on('remove', (client) => {
    clients.delete(client);
    inUse.delete(client);
  });

  function query<R extends pg.QueryResultRow>(statement: Statement, sent?: () => void): Promise<pg.QueryResult<R>> {
    return new Promise((resolve, reject) => {
      pool.connect((unconnected, client, release) => {
        if (!client) return reject(unconnected);
        sent?.();
        client.query<R>(statement, (error, result) => {
          if (!error) {
            release();
            return resolve(result);
          }
          release(isSessionOver(error));
          reject(error);
        });
      });
    });
  }

  async function transaction<T>(work: (client: pg.PoolClient) => Promise<T>, sent?: () => void): Promise<T> {
    const client = await pool.connect();
    sent?.();
    let broken = false;
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      broken = isSessionOver(error);
      if (!broken) {
        await client.query('rollback').catch(() => {
          broken = true;
        });
      }
      throw error;
    } finally {
      client.release(broken);
    }
  }

  const sever = () => {
    for (const client of clients) client.connection.stream.destroy();
  };

  return {
    name: nameOf(place),
    pool,
    query,
    transaction,
    evict: () => {
      for (const client of clients) {
        // The pool's own listener takes an idle client out at once, so that no work is given it.
        if (!inUse.has(client)) client.emit('error', new Error('the connection is thrown away'));
        else condemned.add(client);
      }
    },
    sever,
    close: async () => {
      const late = setTimeout(sever, CLOSE_TIMEOUT);
      await pool.end();
      clearTimeout(late);
    },
  };
}
