/** Awaits a call and says how many milliseconds it took. */
export async function timed<T>(call: () => Promise<T>): Promise<{ it: T; ms: number }> {
  const begin = performance.now();
  return { it: await call(), ms: performance.now() - begin };
}

/** Throws `fault` when more than `milliseconds` have gone by since `begin` (of performance.now). */
export function failAfter(begin: number, milliseconds: number, fault: string): void {
  if (performance.now() - begin > milliseconds) {
    throw new Error(fault);
  }
}
