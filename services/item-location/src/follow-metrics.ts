import { counterFromZero } from '@realmkeep/kit/telemetry/counter-from-zero';
import type { Telemetry } from '@realmkeep/kit/telemetry/telemetry';
import type { Step } from './follow-step.ts';
import type { SourcePosition } from './source-position.ts';

/** What is measured of the following. */
export type FollowMetrics = ReturnType<typeof createFollowMetrics>;

/**
 * Only the process that follows, or did so last, reports lag and position: while player-state is away, and within a
 * snapshot, the lag grows; it is absent until the process has come to a position.
 */
export function createFollowMetrics(meter: Telemetry['meter']) {
  const events = meter.createCounter('item_location.follow.events', { description: 'Events of player-state applied' });
  const parked = counterFromZero(meter, 'item_location.follow.parked', {
    description: 'Events of player-state that can never be applied',
  });
  const failures = counterFromZero(meter, 'item_location.follow.failures', {
    description: 'Times that following broke off and began again',
  });
  let latest: { asOf: Date; position: SourcePosition } | undefined;
  meter
    .createObservableGauge('item_location.follow.lag', {
      description: 'How long ago player-state was as it is shown here, by its clock and ours',
      unit: 's',
    })
    .addCallback((result) => {
      if (latest) result.observe(Math.max(0, Date.now() - latest.asOf.getTime()) / 1000);
    });
  meter
    .createObservableGauge('item_location.follow.position', {
      description: 'The transaction of player-state up to which its events were applied',
    })
    .addCallback((result) => {
      if (latest) result.observe(Number(latest.position.transaction));
    });
  return {
    applied({ position, asOf, size }: Pick<Step, 'position' | 'asOf' | 'size'>, parkedNow: number): void {
      if (position) latest = { asOf, position };
      events.add(size - parkedNow);
      parked.add(parkedNow);
    },
    failed(): void {
      failures.add(1);
    },
    /** Another process follows. */
    ended(): void {
      latest = undefined;
    },
  };
}
