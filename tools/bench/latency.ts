import { inTurns } from './figures.ts';
import { hotReads } from './hot-read.ts';
import { ownLoad } from './load.ts';
import type { OpenLoadOrder, OpenLoadReport } from './open-load-process.ts';
import type { CurvePoint } from './result.ts';
import type { Row } from './row.ts';
import { startWorker } from './worker.ts';

/** Shares of the rate that the same server reached in a closed loop. */
const SHARES = [0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 1];
const COMPARED = 0.5;

export const latency: Row = {
  name: 'latency',
  about: 'the latency of hot reads at offered rates (open loop), beside the bare echo, with the closed-loop figure',
  run: async ({ stand, pace, short, say }) => {
    const reads = await hotReads({ stand });
    const targets = [reads.reference, reads.ours(stand.service)];
    const closed = await inTurns({ targets, pace: { ...pace, rounds: 1 }, load: () => ownLoad, say });
    const curve: CurvePoint[] = [];
    for (const share of short ? SHARES.filter((each) => each === COMPARED || each === 1) : SHARES) {
      for (const [index, { name, address, path, requests }] of targets.entries()) {
        const order: OpenLoadOrder = {
          address,
          path,
          token: stand.token,
          requests,
          draw: 'zipf',
          connections: pace.connections,
          perSecond: Math.max(1, closed[index]!.perSecond * share),
          seconds: pace.seconds,
          seed: 1,
        };
        const { answer } = await startWorker<OpenLoadReport>('open-load-process.ts', order);
        const { answeredPerSecond: answered, refused, p50Ms, p99Ms } = answer;
        curve.push({ name, offered: order.perSecond, answered, p50Ms, p99Ms, refused });
        say(`${name} at ${order.perSecond.toFixed(0)}/s: p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`);
      }
    }
    const at = (name: string) => {
      const rate = closed.find((figures) => figures.name === name)!.perSecond * COMPARED;
      return curve.find((point) => point.name === name && Math.abs(point.offered - rate) < 1)!;
    };
    const [bare, ours] = targets.map(({ name }) => at(name));
    return {
      row: 'latency',
      unit: `p99 ms at ${COMPARED * 100} % load`,
      ours: { name: ours!.name, value: ours!.p99Ms },
      reference: { name: bare!.name, value: bare!.p99Ms },
      ratio: ours!.p99Ms / bare!.p99Ms,
      facts: [
        ...closed.map(
          (figures) =>
            `${figures.name}, closed loop of ${pace.connections * pace.streams}: ${figures.perSecond.toFixed(0)}/s, p50 ${figures.p50Ms.toFixed(1)} ms, p99 ${figures.p99Ms.toFixed(1)} ms`,
        ),
        ...curve.map(
          (point) =>
            `${point.name}, offered ${point.offered.toFixed(0)}/s: answered ${point.answered.toFixed(0)}/s, p50 ${point.p50Ms.toFixed(1)} ms, p99 ${point.p99Ms.toFixed(1)} ms${point.refused > 0 ? `, refused ${point.refused}` : ''}`,
        ),
      ],
      figures: closed,
      curve,
    };
  },
};
