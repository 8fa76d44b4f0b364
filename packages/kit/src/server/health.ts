import type { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

/** What `grpc.health.v1` answers, for the whole process ("") and for each service. */
export type Health = { set(serving: boolean, service?: string): void };

/**
 * Serves `grpc.health.v1`, without tokens. All begin as NOT_SERVING.
 *
 * `set` without a service speaks for all of them.
 */
export function serveHealth(server: Server, services: string[]): Health {
  const names = ['', ...services];
  const health = new HealthImplementation(Object.fromEntries(names.map((name) => [name, 'NOT_SERVING'])));
  health.addToServer(server);
  return {
    set(serving, service) {
      for (const name of service === undefined ? names : [service]) {
        health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
      }
    },
  };
}
