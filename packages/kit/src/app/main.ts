import { ConfigError } from './config.ts';
import type { Service } from './service.ts';

/**
 * Runs a service as this process: starts it, and drains it at SIGTERM or SIGINT; the process then ends by itself. A
 * second signal ends it at once. A start that fails prints its fault and exits with 1.
 */
export function runMain(start: () => Promise<Pick<Service, 'drain'>>): void {
  const forced = new AbortController();
  let asked = false;
  let service: Pick<Service, 'drain'> | undefined;

  function onSignal(): void {
    // Before the service runs there is nothing to drain, and nothing has been promised.
    if (!service) process.exit(1);
    if (asked) {
      forced.abort();
      process.exitCode = 1;
      // What still does not end by itself is not waited for.
      setTimeout(() => process.exit(1), 1_000).unref();
      return;
    }
    asked = true;
    service.drain(forced.signal).then(stopListening, fail);
  }
  function stopListening(): void {
    process.off('SIGTERM', onSignal);
    process.off('SIGINT', onSignal);
  }
  function fail(fault: unknown): never {
    const told = fault instanceof ConfigError ? fault.message : fault instanceof Error ? fault.stack : String(fault);
    process.stderr.write(`${told}\n`);
    process.exit(1);
  }

  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  Promise.resolve()
    .then(start)
    .then((started) => {
      service = started;
    }, fail);
}
