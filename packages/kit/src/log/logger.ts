import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino';

export type { Logger } from 'pino';

const SECRETS = ['authorization', 'password', 'token', 'secret'];

/**
 * Logs JSON lines with the service's name and the time in ISO form.
 *
 * Fields named authorization, password, token or secret are blanked, at the top and one level down. Errors keep
 * their type, message, stack and code, and nothing else: drivers hang connection settings on them.
 *
 * @param level the least level that is logged
 * @param destination default: standard output
 */
export function createLogger(
  { name, level }: { name: string; level: string },
  destination?: DestinationStream,
): Logger {
  const options = {
    name,
    level,
    base: { pid: process.pid },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRETS.flatMap((secret) => [secret, `*.${secret}`]), censor: '[redacted]' },
    serializers: {
      err: (fault: unknown) => {
        if (!(fault instanceof Error)) return fault;
        const { type, message, stack, code } = stdSerializers.err(fault);
        return { type, message, stack, ...(code === undefined ? {} : { code }) };
      },
    },
  };
  return destination ? pino(options, destination) : pino(options);
}
