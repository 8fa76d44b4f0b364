import { freePort, isFree } from '@realmkeep/testkit/parts/ports';
import { portOwner } from './port-owner.ts';
import type { State } from './state.ts';

/** The port that callers are to find the realm on is taken. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
}

/** The ingress port itself, or an error that names who has it and how to take another one. */
export async function ingressPort(port: number): Promise<number> {
  if (await isFree(port)) return port;
  const owner = portOwner(port);
  throw new PortTakenError(
    `port ${port} of 127.0.0.1 is taken${owner ? ` by ${owner}` : ''}. Mend it: end that program, or start on another port: REALMKEEP_PORT=${port + 1} npm start`,
  );
}

/** A port for a part: the wanted one, the one it had the last time, or any; says so when it is not the wanted one. */
export async function partPort(
  part: string,
  { state, wanted, say }: { state: State; wanted?: number | undefined; say: (line: string) => void },
): Promise<number> {
  const port = await freePort(wanted ?? state.port(part));
  if (wanted === undefined) state.rememberPort(part, port);
  else if (port !== wanted) say(`port ${wanted} is taken: ${part} listens on ${port}`);
  return port;
}
