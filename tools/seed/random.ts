/** A stream of numbers that is the same for the same seed on every machine. Not for secrets. */
export type Random = {
  /** A number in [0, 1). */
  next: () => number;
  /** An integer in [from, to]. */
  between: (from: number, to: number) => number;
  /** One of the values, all equally likely. */
  pick: <T>(values: readonly T[]) => T;
};

/** The generator sfc32 (128 bits of state), started from the four words `a` to `d`. */
export function createRandom(a: number, b = 0, c = 0, d = 1): Random {
  let [w, x, y, z] = [a | 0, b | 0, c | 0, d | 0];
  const next = () => {
    const sum = (((w + x) | 0) + z) | 0;
    z = (z + 1) | 0;
    w = x ^ (x >>> 9);
    x = (y + (y << 3)) | 0;
    y = (((y << 21) | (y >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  // The first outputs still show the seed's words.
  for (let i = 0; i < 12; i += 1) {
    next();
  }
  const between = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  return { next, between, pick: (values) => values[between(0, values.length - 1)]! };
}
