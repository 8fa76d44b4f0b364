import type { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

/** What `grpc.health.v1` answers, for readiness ("") and for each service. */
export type Health = { set(serving: boolean, service?: string): void };

/** The name under which health says whether the process lives. */
const LIVENESS = 'liveness';

/**
 * Serves `grpc.health.v1`, without tokens. All begin as NOT_SERVING, but for "liveness", which is SERVING for as long as
 * the process answers, also while it drains.
 *
 * `set` without a service speaks for all of them and for "", never for "liveness".
 */
export function serveHealth(server: Server, services: string[]): Health {
  const names = ['', ...services];
  const health = new HealthImplementation({
    ...Object.fromEntries(names.map((name) => [name, 'NOT_SERVING' as const])),
    [LIVENESS]: 'SERVING',
  });
  health.addToServer(server);
  return {
    set(serving, service) {
      for (const name of service === undefined ? names : [service]) {
        health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
      }
    },
  };
}
