import { createTokenVerifier } from '../auth/token-verifier.ts';
import type { Implementation } from '../server/implementation.ts';
import { createServer } from '../server/server.ts';
import type { Foundation } from './foundation.ts';
import { followReadiness } from './readiness.ts';

/** A service that answers calls. */
export type Service = {
  readonly grpcPort: number;
  readonly metricsPort: number;
  /** Says what `grpc.health.v1` answers, for one service by its full name or for all. */
  setServing(serving: boolean, service?: string): void;
  /**
   * NOT_SERVING, a wait of DRAIN_DELAY_MS, GOAWAY, DRAIN_TIMEOUT_MS for running calls to finish, then everything is
   * closed, the latest first. Further calls join the first; `signal` cuts the waits short.
   */
  drain(signal?: AbortSignal): Promise<void>;
};

/**
 * Starts to answer calls on GRPC_PORT. Health says NOT_SERVING while no Postgres node can be read. The foundation belongs
 * to the service from here on, and is closed when the start fails.
 */
export async function startService(foundation: Foundation, implementations: Implementation[]): Promise<Service> {
  const { name, config, logger, telemetry, postgres } = foundation;
  try {
    const verifier = createTokenVerifier({
      jwksFile: config.JWKS_FILE,
      jwksUri: config.JWKS_URI,
      internalJwksFile: config.INTERNAL_JWKS_FILE,
      logger,
    });
    foundation.onClose(() => verifier.close());
    const server = createServer({
      domain: `${name}.realmkeep`,
      implementations,
      verifier,
      logger,
      telemetry,
      maxInWork: config.MAX_IN_WORK,
      maxStreams: config.MAX_STREAMS,
    });
    const grpcPort = await server.listen(config.HOST, config.GRPC_PORT);
    const endReadiness = followReadiness({ postgres, setServing: server.setServing, logger });
    foundation.onClose(endReadiness);
    logger.info({ grpcPort, metricsPort: telemetry.metricsPort }, 'serving');

    let draining: Promise<void> | undefined;
    async function drain(signal?: AbortSignal): Promise<void> {
      logger.info('draining');
      // What drains never says SERVING again.
      endReadiness();
      const waits = { delayMs: config.DRAIN_DELAY_MS, timeoutMs: config.DRAIN_TIMEOUT_MS };
      await server.drain({ ...waits, ...(signal ? { signal } : {}) });
      await foundation.close();
      logger.info('drained');
    }
    return {
      grpcPort,
      metricsPort: telemetry.metricsPort,
      setServing: server.setServing,
      drain: (signal) => {
        draining ??= drain(signal);
        return draining;
      },
    };
  } catch (fault) {
    await foundation.close();
    throw fault;
  }
}
