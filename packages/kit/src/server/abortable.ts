/**
 * Makes a wait, one at a time, that ends when the signal is aborted. A race of each wait against one promise of the
 * abort would keep something of every answer for as long as the stream is open.
 */
export function abortable(signal: AbortSignal): <T>(work: Promise<T>) => Promise<T> {
  let abort: ((reason: unknown) => void) | undefined;
  signal.addEventListener('abort', () => abort?.(signal.reason), { once: true });
  return (work) =>
    new Promise((resolve, reject) => {
      abort = reject;
      work.then(resolve, reject);
      if (signal.aborted) reject(signal.reason);
    });
}
