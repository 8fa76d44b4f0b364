import type { Child, Exit } from './child.ts';

/** A process of the system that can be stopped, killed and started again under the same name and addresses. */
export type Part = {
  readonly name: string;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  /** Starts it and waits until it serves; does nothing when it runs. */
  start(): Promise<void>;
  /** Ends it in its own orderly way. */
  stop(): Promise<void>;
  /** SIGKILL: the fault that tests inject. Counts as a death. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Called whenever it ends though nobody asked it to stop. */
  onDeath(listener: (exit: Exit) => void): void;
};

/** Starts the process and waits until it serves, unless the signal ends that first. */
export type Launch = (signal: AbortSignal) => Promise<Child>;

/** Turns a way to launch a process into a part. */
export function createPart({ name, launch }: { name: string; launch: Launch }): Part {
  let child: Child | undefined;
  let abort = new AbortController();
  let starting: Promise<void> | undefined;
  const listeners: ((exit: Exit) => void)[] = [];

  async function begin(): Promise<void> {
    const launched = await launch(abort.signal);
    child = launched;
    void launched.exited.then((exit) => {
      if (child !== launched) return;
      child = undefined;
      for (const listener of listeners) listener(exit);
    });
  }

  function start(): Promise<void> {
    if (child) return Promise.resolve();
    starting ??= begin().finally(() => {
      starting = undefined;
    });
    return starting;
  }

  async function stop(): Promise<void> {
    abort.abort();
    await starting?.catch(() => undefined);
    abort = new AbortController();
    const stopping = child;
    child = undefined;
    await stopping?.stop();
  }

  return {
    name,
    get pid() {
      return child?.pid;
    },
    start,
    stop,
    kill: async () => {
      await child?.kill();
    },
    restart: async () => {
      await stop();
      await start();
    },
    onDeath: (listener) => {
      listeners.push(listener);
    },
  };
}
