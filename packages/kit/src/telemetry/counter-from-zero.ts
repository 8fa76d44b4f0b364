import type { Counter, Meter, MetricOptions } from '@opentelemetry/api';

/**
 * A counter that is shown at 0 before anything is counted. For what is rare: Prometheus sees an increase only between two
 * samples, so of a counter that is first shown with its first count it sees none.
 */
export function counterFromZero(meter: Meter, name: string, options: MetricOptions): Counter {
  const counter = meter.createCounter(name, options);
  counter.add(0);
  return counter;
}
