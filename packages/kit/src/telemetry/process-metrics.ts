import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Meter } from '@opentelemetry/api';

/**
 * Measures this process: CPU time, memory, and how late and how busy its event loop is. Delay and utilization are
 * those since the collection before.
 *
 * @returns ends the measuring
 */
export function measureProcess(meter: Meter): () => void {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  let loopBefore = performance.eventLoopUtilization();

  const cpu = meter.createObservableCounter('process.cpu.time', { unit: 's', description: 'CPU time used' });
  const memory = meter.createObservableGauge('process.memory', { unit: 'By', description: 'Memory by kind' });
  const late = meter.createObservableGauge('nodejs.eventloop.delay', {
    unit: 's',
    description: 'How late the event loop was, by quantile',
  });
  const busy = meter.createObservableGauge('nodejs.eventloop.utilization', {
    unit: '1',
    description: 'Share of time that the event loop was busy',
  });

  meter.addBatchObservableCallback(
    (result) => {
      const { user, system } = process.cpuUsage();
      result.observe(cpu, user / 1e6, { 'cpu.mode': 'user' });
      result.observe(cpu, system / 1e6, { 'cpu.mode': 'system' });
      const { rss, heapUsed, external } = process.memoryUsage();
      result.observe(memory, rss, { kind: 'rss' });
      result.observe(memory, heapUsed, { kind: 'heap' });
      result.observe(memory, external, { kind: 'external' });
      result.observe(late, delay.percentile(50) / 1e9, { quantile: '0.5' });
      result.observe(late, delay.percentile(99) / 1e9, { quantile: '0.99' });
      result.observe(late, delay.max / 1e9, { quantile: '1' });
      delay.reset();
      const loopNow = performance.eventLoopUtilization();
      result.observe(busy, performance.eventLoopUtilization(loopNow, loopBefore).utilization);
      loopBefore = loopNow;
    },
    [cpu, memory, late, busy],
  );
  return () => delay.disable();
}
