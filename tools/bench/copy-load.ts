import { finished } from 'node:stream/promises';
import pg from 'pg';
import { from } from 'pg-copy-streams';

/** COPY into a table with the columns, keys and partitions of the event log, on the same server. */
export type CopyLoad = {
  /** Rows committed a second by so many clients, each batch of rows a COPY and a commit of its own. */
  run(options: { batches: Buffer[]; rows: number; clients: number }): Promise<number>;
  /** Drops what was made for it. */
  end(): Promise<void>;
};

/** Makes its table in the database at `url`, as its owner. */
export async function openCopyLoad(url: string): Promise<CopyLoad> {
  const pool = new pg.Pool({ connectionString: url, max: 32 });
  await pool.query(`
    drop table if exists bench_events;
    create table bench_events (like area_mode_events including all) partition by range (received_at);
    do $$
    begin
      for ahead in -1..2 loop
        execute format('create table bench_events_%s partition of bench_events for values from (%L) to (%L)',
          ahead + 1, current_date + ahead, current_date + ahead + 1);
      end loop;
    end
    $$`);
  return {
    run: async ({ batches, rows, clients }) => {
      let next = 0;
      const begin = performance.now();
      const client = async () => {
        const connection = await pool.connect();
        try {
          while (next < batches.length) {
            const copy = connection.query(from('copy bench_events from stdin'));
            copy.end(batches[next++]);
            await finished(copy);
          }
        } finally {
          connection.release();
        }
      };
      await Promise.all(Array.from({ length: clients }, client));
      return rows / ((performance.now() - begin) / 1_000);
    },
    end: async () => {
      await pool.query('drop table if exists bench_events');
      await pool.end();
    },
  };
}
