import { ConnectError } from '@connectrpc/connect';
import { callerToken } from '../local/keys.ts';
import { readRunningRealm, STATE_FOLDER } from '../local/running.ts';
import { createCast } from './cast.ts';
import { connectParty, type Party } from './clients.ts';
import { playEvening } from './evening.ts';
import { createNarrator } from './narrator.ts';

/** Plays an evening on the running local system and answers the exit status. */
async function main(): Promise<number> {
  const address = new URL(readRunningRealm().address).host;
  await reach(address);
  const cast = createCast();
  const connect = async (role: 'admin' | 'server' | 'player', subject: string) => {
    const token = await callerToken(STATE_FOLDER, { role, subject });
    return connectParty({ address, token, web: role === 'player' });
  };
  const parties = {
    admin: await connect('admin', 'demo-admin'),
    server: await connect('server', 'demo-server'),
    ada: await connect('player', cast.ada.playerId),
    brin: await connect('player', cast.brin.playerId),
  };
  const narrator = createNarrator((text) => process.stdout.write(text), process.stdout.isTTY === true);
  const begin = performance.now();
  try {
    narrator.say(`An evening in area ${cast.area}, on the realm at ${address}.`);
    await playEvening({ cast, parties, narrator });
    narrator.chapter(`Good night. The evening took ${((performance.now() - begin) / 1000).toFixed(1)} s.`);
    return 0;
  } finally {
    for (const party of Object.values<Party>(parties)) {
      party.close();
    }
  }
}

async function reach(address: string): Promise<void> {
  try {
    await (await fetch(`http://${address}/stats?area_code=demo`)).arrayBuffer();
  } catch (cause) {
    throw new Error(`no realm answers at ${address}: "npm start" starts it`, { cause });
  }
}

process.exitCode = await main().catch((error: Error) => {
  const words = error instanceof ConnectError ? `a call was refused: ${error.message}` : error.message;
  process.stderr.write(`${words}\n`);
  return 1;
});
