import { counterFromZero } from '@realmkeep/kit/telemetry/counter-from-zero';
import type { Telemetry } from '@realmkeep/kit/telemetry/telemetry';
import type { EventQueue } from './event-queue/queue.ts';

/** What is measured of the queue's consumers. */
export type EventQueueMetrics = ReturnType<typeof createEventQueueMetrics>;

/** Every process shows how much waits in the whole queue, asked for at each scrape; nothing while Redis is away. */
export function createEventQueueMetrics(meter: Telemetry['meter'], queue: Pick<EventQueue, 'lag'>) {
  const settled = meter.createCounter('area_stats.queue.settled', {
    description: 'Queued events that are recorded, or were before',
  });
  const parked = counterFromZero(meter, 'area_stats.queue.parked', {
    description: 'Queued events that could not be recorded and are kept for an operator',
  });
  const reclaimed = counterFromZero(meter, 'area_stats.queue.reclaimed', {
    description: 'Queued events taken over from consumers that are gone',
  });
  const failures = counterFromZero(meter, 'area_stats.queue.failures', {
    description: 'Times that consuming the queue broke off and began again',
  });
  const entries = meter.createObservableGauge('area_stats.queue.entries', {
    description: 'Queued events that are not recorded yet',
  });
  const oldest = meter.createObservableGauge('area_stats.queue.oldest.age', {
    description: 'How long the oldest of them has waited',
    unit: 's',
  });
  meter.addBatchObservableCallback(
    async (result) => {
      const lag = await queue.lag().catch(() => undefined);
      if (!lag) return;
      result.observe(entries, lag.entries);
      result.observe(oldest, lag.oldestAgeMs / 1_000);
    },
    [entries, oldest],
  );
  return {
    settled(settledNow: number, parkedNow: number): void {
      settled.add(settledNow);
      parked.add(parkedNow);
    },
    reclaimed: (count: number) => reclaimed.add(count),
    failed: () => failures.add(1),
  };
}
