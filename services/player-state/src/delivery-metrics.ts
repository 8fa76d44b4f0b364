import { counterFromZero } from '@realmkeep/kit/telemetry/counter-from-zero';
import type { Telemetry } from '@realmkeep/kit/telemetry/telemetry';

/** What is measured of the delivery of LOGINs and LOGOUTs. */
export type DeliveryMetrics = ReturnType<typeof createDeliveryMetrics>;

export function createDeliveryMetrics(meter: Telemetry['meter']) {
  const delivered = meter.createCounter('player_state.session_events.delivered', {
    description: 'LOGINs and LOGOUTs that area-stats has answered for',
  });
  const parked = counterFromZero(meter, 'player_state.session_events.parked', {
    description: 'LOGINs and LOGOUTs that area-stats refused for good',
  });
  const failures = counterFromZero(meter, 'player_state.session_events.failures', {
    description: 'Times that their delivery broke off and began again',
  });
  return {
    settled(deliveredNow: number, parkedNow: number): void {
      delivered.add(deliveredNow);
      parked.add(parkedNow);
    },
    failed: () => failures.add(1),
  };
}
