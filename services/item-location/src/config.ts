import { commonSettings, readConfig, str } from '@realmkeep/kit/app/config';

const settings = {
  ...commonSettings,
  PLAYER_STATE_ADDRESS: str({
    desc: 'host:port of player-state, which is followed',
    example: 'player-state:50051',
  }),
};

export type Config = ReturnType<typeof readSettings>;

/** Reads the settings once; throws with every fault. */
export function readSettings(env: NodeJS.ProcessEnv = process.env) {
  return readConfig(settings, env);
}
