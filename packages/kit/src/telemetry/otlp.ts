import type { Resource } from '@opentelemetry/resources';
import { type MetricProducer, type MetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { TracerProvider } from '@opentelemetry/sdk-trace';

/**
 * Sends spans to `<endpoint>/v1/traces`. The exporter is loaded here and not before, because a process that sends
 * nothing is better off without its memory.
 */
export async function sendTraces(endpoint: string, resource: Resource): Promise<TracerProvider> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
  const sdk = await import('@opentelemetry/sdk-trace');
  return new sdk.TracerProvider({
    resource,
    // Where a trace begins, the server has decided already: what it starts is wanted.
    sampler: new sdk.ParentBasedSampler({ root: new sdk.AlwaysOnSampler() }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${endpoint}/v1/traces` }) })],
  });
}

/** Sends metrics to `<endpoint>/v1/metrics` once a minute. */
export async function sendMetrics(endpoint: string, metricProducers: MetricProducer[]): Promise<MetricReader> {
  const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-proto');
  return new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url: `${endpoint}/v1/metrics` }),
    metricProducers,
  });
}
