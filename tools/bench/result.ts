import type { Figures } from './figures.ts';

/** What a ratio must be: at least, or at most, so much. */
export type Bar = { atLeast: number } | { atMost: number };

/** A bench beside its reference. */
export type Compared = {
  row: string;
  unit: string;
  /** Each side's value in the unit, and ours over the reference. */
  ours: { name: string; value: number };
  reference: { name: string; value: number };
  ratio: number;
  /** Absent: none is set. */
  bar?: Bar;
  /** Further ratios, times and sizes, in words. */
  facts: string[];
  /** What was loaded, with the medians of its rounds. */
  figures: Figures[];
  /** Points of a curve, where there is one. */
  curve?: CurvePoint[];
};

/** A point of the open-loop latency curve: rates a second, and times from when each call was due. */
export type CurvePoint = {
  name: string;
  offered: number;
  answered: number;
  p50Ms: number;
  p99Ms: number;
  refused: number;
};

/** A bench that can not be run, and why. */
export type Skipped = { row: string; skipped: string };

export type Result = Compared | Skipped;

/** Compares two figures by their requests a second. */
export function compareRates(
  row: string,
  ours: Figures,
  reference: Figures,
  bar: Bar | undefined,
  facts: string[],
): Compared {
  return {
    row,
    unit: 'requests/s',
    ours: { name: ours.name, value: ours.perSecond },
    reference: { name: reference.name, value: reference.perSecond },
    ratio: ours.perSecond / reference.perSecond,
    ...(bar && { bar }),
    facts: [
      `server CPU a request ${ours.cpuMicros.toFixed(0)} us beside ${reference.cpuMicros.toFixed(0)} us, ${(reference.cpuMicros / ours.cpuMicros).toFixed(2)}`,
      ...(Number.isNaN(ours.p50Ms)
        ? []
        : [
            `p50 ${ours.p50Ms.toFixed(1)} ms, p99 ${ours.p99Ms.toFixed(1)} ms (reference ${reference.p50Ms.toFixed(1)}, ${reference.p99Ms.toFixed(1)})`,
          ]),
      ...facts,
    ],
    figures: [ours, reference],
  };
}

/** Whether the bar is reached, where one is set. */
export function holds({ ratio, bar }: Compared): boolean | undefined {
  if (bar === undefined) return undefined;
  return 'atLeast' in bar ? ratio >= bar.atLeast : ratio <= bar.atMost;
}

/** How often each word occurs, as text. */
export function tallyText(words: string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${word} ${count}`).join(', ');
}
