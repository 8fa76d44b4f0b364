import type { Implementation } from '../server/implementation.ts';
import type { Foundation } from './foundation.ts';

/** A service that answers calls. */
export type Service = {
  readonly grpcPort: number;
  readonly metricsPort: number;
  drain(): Promise<void>;
};

export declare function startService(foundation: Foundation, implementations: Implementation[]): Promise<Service>;
