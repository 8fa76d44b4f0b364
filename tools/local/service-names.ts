/** A deployable that keeps data: it has a database and a port of its own. */
export type ServiceName = 'player-state' | 'item-location' | 'area-stats';

export type ServicePlan = {
  name: ServiceName;
  database: string;
  /** The ports that it has when they are free. */
  grpcPort: number;
  metricsPort: number;
  /** The services that it calls. */
  calls: ServiceName[];
  /** What it needs beside the settings that every service has. */
  env: Record<string, string>;
};

/** Every service of the local system. */
export const SERVICES: ServicePlan[] = [
  {
    name: 'player-state',
    database: 'player_state',
    grpcPort: 50051,
    metricsPort: 9464,
    calls: ['item-location', 'area-stats'],
    env: {},
  },
  {
    name: 'item-location',
    database: 'item_location',
    grpcPort: 50052,
    metricsPort: 9465,
    calls: ['player-state'],
    env: {},
  },
  {
    name: 'area-stats',
    database: 'area_stats',
    grpcPort: 50053,
    metricsPort: 9466,
    calls: [],
    env: { AREA_STATS_TTL_SECONDS: '2' },
  },
];

/** The variable that tells a service where another one is: PLAYER_STATE_ADDRESS. */
export function addressVariable(name: ServiceName): string {
  return `${name.toUpperCase().replaceAll('-', '_')}_ADDRESS`;
}
