import { killChildrenOnExit } from '@realmkeep/testkit/parts/child';
import { AlreadyRunningError } from '@realmkeep/testkit/parts/run-file';
import { readyBlock } from './ready-block.ts';
import { type Realm, startRealm } from './realm.ts';
import { STATE_FOLDER } from './running.ts';
import { supervise } from './supervisor.ts';

// A terminal's Ctrl-C reaches this process more than once when npm passes it on too.
const ONE_CTRL_C_MS = 1_000;

const say = (line: string) => console.log(`[${(performance.now() / 1000).toFixed(1).padStart(5)} s] ${line}`);

/** The ingress port of this machine: REALMKEEP_PORT, default 8080. */
function ingressPort(): number {
  const text = process.env.REALMKEEP_PORT || '8080';
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Error(`REALMKEEP_PORT is "${text}", which is not a port. Mend it: REALMKEEP_PORT=8080`);
}

/** Starts the local system and runs until a signal; answers the exit status. */
async function main(): Promise<number> {
  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
  let askedAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (askedAt === undefined) {
      askedAt = performance.now();
      say('stopping: ingress, services, stores (again to force)');
      stopping.abort();
    } else if (performance.now() - askedAt > ONE_CTRL_C_MS) {
      say(`${signal} again: every process is killed; what was acknowledged is kept`);
      killChildrenOnExit();
      process.exit(130);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  // A fault of the launcher itself must not leave the parts without one.
  process.once('uncaughtException', (error) => {
    say(`the launcher failed: ${error.stack}`);
    process.exitCode = 1;
    onSignal('SIGTERM');
  });

  let realm: Realm | undefined;
  try {
    const port = ingressPort();
    realm = await startRealm({
      folder: STATE_FOLDER,
      port,
      fixedPorts: true,
      say,
      signal: stopping.signal,
    });
    const supervisor = supervise({ parts: realm.parts, say });
    console.log(await readyBlock(realm));
    await stopped;
    supervisor.close();
    return 0;
  } catch (error) {
    if (stopping.signal.aborted) return 0;
    if (error instanceof AlreadyRunningError) say(`${error.message}. Mend it: "kill ${error.pid}" stops it`);
    else say((error as Error).message);
    return 1;
  } finally {
    await realm?.stop();
    if (askedAt !== undefined) say('stopped');
  }
}

const status = await main();
process.exitCode ??= status;
