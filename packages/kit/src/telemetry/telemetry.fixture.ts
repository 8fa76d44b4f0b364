import { openTelemetry, type Telemetry, type TelemetrySettings } from './telemetry.ts';

/** Metrics on a free port of this machine, and nothing sent anywhere. */
export const TELEMETRY_HERE: TelemetrySettings = {
  HOST: '127.0.0.1',
  METRICS_PORT: 0,
  OTEL_EXPORTER_OTLP_ENDPOINT: undefined,
  OTLP_METRICS: false,
  TRACE_SAMPLE_RATIO: 0,
};

/** What a part of a service measures with in a test. Close it afterwards. */
export function openTestTelemetry(name: string): Promise<Telemetry> {
  return openTelemetry(name, TELEMETRY_HERE);
}
