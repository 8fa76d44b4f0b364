import { parseArgs } from 'node:util';
import { callerToken } from './local/keys.ts';
import { STATE_FOLDER } from './local/running.ts';

const usage = `Prints a token for the local system.

  npm run -s token -- --role server|admin [--subject <name>] [--ttl <seconds>]
  npm run -s token -- --role player --player <player id> [--ttl <seconds>]

  --subject   the name of the server or admin; default local-server, local-admin
  --ttl       how long it is good; default 3600; a negative one makes an expired token
`;

/** Runs the command and answers the exit status. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      role: { type: 'string' },
      player: { type: 'string' },
      subject: { type: 'string' },
      ttl: { type: 'string', default: '3600' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { role, player, ttl } = values;
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (role !== 'player' && role !== 'server' && role !== 'admin') throw new Error('--role is player, server or admin');
  const subject = role === 'player' ? player : (values.subject ?? `local-${role}`);
  if (subject === undefined) throw new Error('a player token needs --player <player id>');
  const expiresIn = Number(ttl);
  if (!Number.isInteger(expiresIn)) throw new Error('--ttl is a whole number of seconds');
  process.stdout.write(`${await callerToken(STATE_FOLDER, { role, subject, expiresIn })}\n`);
  return 0;
}

process.exitCode = await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n\n${usage}`);
  return 1;
});
