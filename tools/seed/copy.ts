import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ClientBase } from 'pg';
import { from } from 'pg-copy-streams';

/** A value of a row. `undefined` is NULL. */
export type Cell = string | number | boolean | Date | undefined;

const rowsPerChunk = 1_000;

/** Loads rows into `table (columns)` by COPY, in the caller's transaction. */
export async function copyRows(client: ClientBase, table: string, columns: string[], rows: Cell[][]): Promise<void> {
  const sink = client.query(from(`copy ${table} (${columns.join(', ')}) from stdin`));
  await pipeline(Readable.from(lines(rows)), sink);
}

function* lines(rows: Cell[][]): Generator<string> {
  for (let start = 0; start < rows.length; start += rowsPerChunk) {
    yield rows
      .slice(start, start + rowsPerChunk)
      .map((row) => `${row.map(text).join('\t')}\n`)
      .join('');
  }
}

function text(cell: Cell): string {
  if (cell === undefined) {
    return '\\N';
  }
  if (typeof cell === 'string') {
    return cell.replaceAll(/[\\\t\n\r]/g, (character) => escapes[character]!);
  }
  return cell instanceof Date ? cell.toISOString() : String(cell);
}

const escapes: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
