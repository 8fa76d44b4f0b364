/**
 * Does something again and again until `stop`, with `everyMs` between the end of one time and the next. Keeps no process
 * alive.
 *
 * @param check never rejects
 */
export function startChecks(check: () => Promise<void>, everyMs: number): { stop(): Promise<void> } {
  let stopped = false;
  let running = Promise.resolve();
  let timer: NodeJS.Timeout;

  function later(): void {
    if (stopped) return;
    timer = setTimeout(() => {
      running = check().then(later);
    }, everyMs);
    timer.unref();
  }
  later();

  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      return running;
    },
  };
}
