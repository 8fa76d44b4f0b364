import { commonSettings, listenPort, readConfig } from '@realmkeep/kit/app/config';

// The portal has no store and checks no token: it needs a part of what every service has.
const { HOST, METRICS_PORT, DRAIN_DELAY_MS, DRAIN_TIMEOUT_MS, LOG_LEVEL } = commonSettings;
const { OTEL_EXPORTER_OTLP_ENDPOINT, OTLP_METRICS, TRACE_SAMPLE_RATIO } = commonSettings;

const settings = {
  HOST,
  HTTP_PORT: listenPort({ desc: 'Port of the pages; 0: any free one', example: '8081' }),
  METRICS_PORT,
  DRAIN_DELAY_MS,
  DRAIN_TIMEOUT_MS,
  LOG_LEVEL,
  OTEL_EXPORTER_OTLP_ENDPOINT,
  OTLP_METRICS,
  TRACE_SAMPLE_RATIO,
};

/** The settings of the portal. */
export type Config = ReturnType<typeof readSettings>;

/** Reads the settings from the environment; throws ConfigError that lists every fault. */
export function readSettings(env: NodeJS.ProcessEnv = process.env) {
  return readConfig(settings, env);
}
