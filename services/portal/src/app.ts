import { createClosers } from '@realmkeep/kit/app/closers';
import { createLogger } from '@realmkeep/kit/log/logger';
import { openTelemetry } from '@realmkeep/kit/telemetry/telemetry';
import type { Config } from './config.ts';
import { createPages } from './pages.ts';
import { listen } from './server.ts';

/** The portal, serving. */
export type App = {
  readonly httpPort: number;
  readonly metricsPort: number;
  /**
   * `/healthz` says 503, a wait of DRAIN_DELAY_MS, DRAIN_TIMEOUT_MS for running requests to finish, then everything is
   * closed. Further calls join the first; `signal` cuts the waits short.
   */
  drain(signal?: AbortSignal): Promise<void>;
};

/** Starts the portal. */
export async function startApp(config: Config): Promise<App> {
  const logger = createLogger({ name: 'portal', level: config.LOG_LEVEL });
  const closers = createClosers(logger);
  try {
    const telemetry = await openTelemetry('portal', config);
    closers.add(() => telemetry.close());
    const server = await listen({ host: config.HOST, port: config.HTTP_PORT, pages: createPages() });
    logger.info({ httpPort: server.port, metricsPort: telemetry.metricsPort }, 'serving');

    let draining: Promise<void> | undefined;
    async function drain(signal?: AbortSignal): Promise<void> {
      logger.info('draining');
      await server.drain({ delayMs: config.DRAIN_DELAY_MS, timeoutMs: config.DRAIN_TIMEOUT_MS, signal });
      await closers.close();
      logger.info('drained');
    }
    return {
      httpPort: server.port,
      metricsPort: telemetry.metricsPort,
      drain: (signal) => {
        draining ??= drain(signal);
        return draining;
      },
    };
  } catch (fault) {
    await closers.close();
    throw fault;
  }
}
