import { type Bar, type Compared, holds, type Result } from './result.ts';
import { table } from './table.ts';

/** All rows as one table, with what else is to be said of each below it. */
export function report(results: Result[]): string {
  const compared = results.filter((result): result is Compared => 'ratio' in result);
  const lines: string[] = [];
  if (compared.length > 0) {
    const rows = compared.map((result) => [
      result.row,
      result.unit,
      amount(result.ours.value),
      amount(result.reference.value),
      result.ratio.toFixed(2),
      result.bar === undefined ? '-' : barText(result.bar),
      verdict(result),
    ]);
    lines.push(table([['row', 'unit', 'ours', 'reference', 'ratio', 'bar', ''], ...rows]), '');
  }
  for (const result of results) {
    if ('skipped' in result) {
      lines.push(`  ${result.row}: skipped, ${result.skipped}`);
      continue;
    }
    lines.push(`  ${result.row}: ${result.ours.name} beside ${result.reference.name}`);
    lines.push(...result.facts.map((fact) => `    ${fact}`));
    for (const { name, rounds, refused } of result.figures) {
      const statuses = Object.entries(refused).map(([status, count]) => `${status}: ${count}`);
      lines.push(
        `    ${name}, rounds: ${rounds.join(', ')}/s; refused, by grpc-status: ${statuses.join(', ') || 'none'}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

export function barText(bar: Bar): string {
  return 'atLeast' in bar ? `>= ${bar.atLeast}` : `<= ${bar.atMost}`;
}

function verdict(result: Compared): string {
  const held = holds(result);
  return held === undefined ? '' : held ? 'reached' : 'missed';
}

/** With as many digits as say something. */
export function amount(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString('en');
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
