import { type Meter, type Tracer, trace } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { type CallDurations, createCallDurations } from './call-durations.ts';
import { serveMetrics } from './metrics-server.ts';
import { sendMetrics, sendTraces } from './otlp.ts';
import { measureProcess } from './process-metrics.ts';

/** What a service measures and traces with. */
export type Telemetry = {
  readonly meter: Meter;
  readonly tracer: Tracer;
  readonly callDurations: CallDurations;
  /** The share of new traces that is sampled; 0 when traces go nowhere. */
  readonly sampleRatio: number;
  readonly metricsPort: number;
  /** Sends what is still held back, then ends. */
  close(): Promise<void>;
};

export type TelemetrySettings = {
  HOST: string;
  METRICS_PORT: number;
  OTEL_EXPORTER_OTLP_ENDPOINT: string | undefined;
  OTLP_METRICS: boolean;
  TRACE_SAMPLE_RATIO: number;
};

/**
 * Serves metrics for scrapes, and sends traces (and, if wished, metrics) by OTLP when there is an endpoint.
 *
 * Whether a new trace is sampled is decided once, where it begins (see the telemetry step of the server); a span that
 * is started here is therefore kept, unless its parent was not sampled.
 */
export async function openTelemetry(name: string, settings: TelemetrySettings): Promise<Telemetry> {
  const endpoint = settings.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/$/, '');
  const resource = resourceFromAttributes({ 'service.name': name, 'service.namespace': 'realmkeep' });

  const callDurations = createCallDurations(name);
  const metricProducers = [callDurations.producer];
  const prometheus = new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true, metricProducers });
  const readers =
    endpoint && settings.OTLP_METRICS ? [prometheus, await sendMetrics(endpoint, metricProducers)] : [prometheus];
  const meters = new MeterProvider({ resource, readers });
  const meter = meters.getMeter(name);
  const tracers = endpoint ? await sendTraces(endpoint, resource) : undefined;

  const server = await serveMetrics({
    host: settings.HOST,
    port: settings.METRICS_PORT,
    answer: (request, response) => prometheus.getMetricsRequestHandler(request, response),
  });
  const endMeasuring = measureProcess(meter);

  return {
    meter,
    tracer: tracers ? tracers.getTracer(name) : trace.getTracer(name),
    callDurations,
    sampleRatio: tracers ? settings.TRACE_SAMPLE_RATIO : 0,
    metricsPort: server.port,
    async close() {
      endMeasuring();
      await server.close();
      await Promise.allSettled([tracers?.shutdown(), meters.shutdown()]);
    },
  };
}
