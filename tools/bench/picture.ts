import { amount, barText } from './report.ts';
import { type Compared, type CurvePoint, holds, type Result } from './result.ts';

const WIDTH = 860;
const ROW = 34;
const LEFT = 150;
const RIGHT = 330;
const CURVE = 260;
const COLOURS = ['#8a8f98', '#2563eb'];

/** The ratios as bars that end at 1.0 where the bar is just reached, and the latency curve where there is one: an SVG. */
export function picture(results: Result[], subtitle: string): string {
  const compared = results.filter((result): result is Compared => 'ratio' in result);
  const barred = compared.filter(({ bar }) => bar !== undefined);
  const curve = compared.find((result) => result.curve !== undefined)?.curve;
  const barsEnd = 70 + barred.length * ROW;
  const height = barsEnd + 20 + (curve ? CURVE + 50 : 0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13">`,
    '<title>Benchmark ratios beside their bars</title>',
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(16, 26, 'Each ratio over its bar (the dashed line)', 'font-size="17" font-weight="600"'),
    text(16, 46, subtitle, 'fill="#555"'),
    ...barred.map((result, index) => bar(result, 60 + index * ROW)),
    rule(barred.length),
    ...(curve ? curveParts(curve, barsEnd + 30) : []),
    '</svg>',
    '',
  ].join('\n');
}

// The line at which a bar is reached lies at half of the width, so that twice as good fills it.
function scale(): number {
  return (WIDTH - LEFT - RIGHT) / 2;
}

function bar(result: Compared, y: number): string {
  const { ratio, bar: wanted } = result;
  const reach = wanted === undefined ? 1 : 'atLeast' in wanted ? ratio / wanted.atLeast : wanted.atMost / ratio;
  const colour = holds(result) ? '#15803d' : '#c2410c';
  const width = Math.max(1, Math.min(2, reach) * scale());
  const words = `${ratio.toFixed(2)} (${barText(wanted!)}): ${amount(result.ours.value)} beside ${amount(result.reference.value)} ${result.unit}`;
  return [
    text(16, y + 18, result.row),
    `<rect x="${LEFT}" y="${y + 4}" width="${width.toFixed(1)}" height="20" rx="3" fill="${colour}"/>`,
    text(WIDTH - RIGHT + 10, y + 18, words),
  ].join('\n');
}

function rule(rows: number): string {
  const x = LEFT + scale();
  return `<line x1="${x}" y1="58" x2="${x}" y2="${60 + rows * ROW}" stroke="#111" stroke-dasharray="4 3"/>`;
}

function curveParts(curve: CurvePoint[], top: number): string[] {
  const mostRate = Math.max(...curve.map(({ offered }) => offered));
  const mostMs = Math.max(...curve.map(({ p99Ms }) => p99Ms), 10);
  const x = (rate: number) => 60 + (rate / mostRate) * (WIDTH - 260);
  // Milliseconds by their logarithm, from 0.1.
  const y = (ms: number) => {
    const share = Math.log10(Math.max(ms, 0.1) / 0.1) / Math.log10(mostMs / 0.1);
    return top + CURVE - share * (CURVE - 30);
  };
  const names = [...new Set(curve.map(({ name }) => name))];
  const lines = names.flatMap((name, index) =>
    (['p50Ms', 'p99Ms'] as const).map((quantile) => {
      const points = curve.filter((point) => point.name === name);
      const path = points.map((point) => `${x(point.offered).toFixed(1)},${y(point[quantile]).toFixed(1)}`).join(' ');
      const last = points.at(-1)!;
      const dash = quantile === 'p50Ms' ? ' stroke-dasharray="5 4"' : '';
      return [
        `<polyline points="${path}" fill="none" stroke="${COLOURS[index % 2]}" stroke-width="2"${dash}/>`,
        text(
          x(last.offered) + 8,
          y(last[quantile]) + 4,
          `${name} ${quantile.slice(0, 3)}`,
          `fill="${COLOURS[index % 2]}"`,
        ),
      ].join('\n');
    }),
  );
  const grid = [0.1, 1, 10, 100, 1_000, 10_000]
    .filter((ms) => ms <= mostMs)
    .map(
      (ms) =>
        `<line x1="60" y1="${y(ms)}" x2="${WIDTH - 200}" y2="${y(ms)}" stroke="#ddd"/>\n${text(16, y(ms) + 4, `${ms} ms`, 'fill="#555"')}`,
    );
  return [
    text(16, top, 'Latency at offered rates (open loop, requests/s)', 'font-weight="600"'),
    ...grid,
    ...[0.25, 0.5, 0.75, 1].map((part) =>
      text(x(mostRate * part) - 14, top + CURVE + 16, amount(mostRate * part), 'fill="#555"'),
    ),
    ...lines,
  ];
}

function text(x: number, y: number, words: string, more = ''): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${x}" y="${y}" ${more}>${safe}</text>`;
}
