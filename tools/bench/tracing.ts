import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inTurns } from './figures.ts';
import { hotReads } from './hot-read.ts';
import { ownLoad } from './load.ts';
import type { Row } from './row.ts';

export const tracing: Row = {
  name: 'tracing',
  about: 'CPU of a hot read with traces at the default sampling, beside without',
  run: async ({ stand, pace, say }) => {
    let exports = 0;
    const sink = createServer((request, response) => {
      exports += 1;
      request.resume().on('end', () => response.end());
    });
    await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = sink.address() as AddressInfo;
      const reads = await hotReads({ stand });
      const traced = await stand.second({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
      const [off, on] = await inTurns({
        targets: [
          { ...reads.ours(stand.service), name: 'tracing off' },
          { ...reads.ours(traced), name: 'tracing on' },
        ],
        pace,
        load: () => ownLoad,
        say,
      });
      return {
        row: 'tracing',
        unit: 'CPU us/request',
        ours: { name: on!.name, value: on!.cpuMicros },
        reference: { name: off!.name, value: off!.cpuMicros },
        ratio: on!.cpuMicros / off!.cpuMicros,
        bar: { atMost: 1.1 },
        facts: [
          `hot reads by Zipf, 1 % sampled, ${exports} exports taken by a collector; ${on!.perSecond.toFixed(0)} beside ${off!.perSecond.toFixed(0)} requests/s, load by ${ownLoad.name}`,
        ],
        figures: [on!, off!],
      };
    } finally {
      sink.close();
      sink.closeAllConnections();
    }
  },
};
