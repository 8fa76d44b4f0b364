import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ConnectError } from '@connectrpc/connect';
import { findMethod, readContract } from './contract.ts';
import { statusOf } from './error-status.ts';
import { send } from './send.ts';
import { createTransport } from './transport.ts';

const usage = `Calls one RPC of the running system and prints the answer as JSON.

  npm run -s call -- <Service/Method> '<request as JSON>' [--token <token>] [--address <host:port>] [--web]

  Service/Method   such as PlayerStateService/GetPlayerState; the package may stand in front
  --token          a bearer token, see npm run token
  --address        default 127.0.0.1:8080 (REALMKEEP_PORT moves it); a service's own port works too
  --web            gRPC-Web, as a browser speaks it, instead of gRPC
`;

/** Runs the command and answers the exit code: 0 when the call was answered, 1 when it was refused or never sent. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      token: { type: 'string' },
      address: { type: 'string', default: `127.0.0.1:${process.env.REALMKEEP_PORT ?? '8080'}` },
      web: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [path, request = '{}'] = positionals;
  if (values.help || path === undefined) {
    process.stdout.write(usage);
    return values.help ? 0 : 1;
  }
  const contract = readContract(readFileSync(new URL('../../packages/proto/descriptor.binpb', import.meta.url)));
  const { transport, close } = createTransport(values);
  try {
    for await (const answer of send(transport, findMethod(contract, path), JSON.parse(request), contract)) {
      process.stdout.write(`${JSON.stringify(answer, null, process.stdout.isTTY ? 2 : 0)}\n`);
    }
    return 0;
  } catch (error) {
    const refused = error instanceof ConnectError;
    const words = refused ? JSON.stringify(statusOf(error, contract), null, 2) : (error as Error).message;
    process.stderr.write(`${words}\n`);
    return 1;
  } finally {
    close();
  }
}

process.exitCode = await main();
