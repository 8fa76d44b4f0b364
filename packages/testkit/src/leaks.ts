import { afterAll } from 'vitest';
import { until } from './parts/until.ts';

// What a test file must give back: connections, listeners, child processes, worker threads.
const WATCHED = /^(TCP|UDP|Process|Worker)/;

function open(): string[] {
  return process.getActiveResourcesInfo().filter((resource) => WATCHED.test(resource));
}

/** Vitest's set-up file: a test file that leaves a connection, a listener or a child process open fails. */
const before = open().length;

// Registered before every hook of the test file, so it runs after all of them.
afterAll(async () => {
  // Idle connections of fetch live 4 s longer than their use.
  await until(() => open().length <= before, { what: 'the test file to close what it opened', within: 8_000 }).catch(
    () => {
      throw new Error(`the test file left open: ${open().slice(before).join(', ')} (${before} were open before it)`);
    },
  );
}, 10_000);
