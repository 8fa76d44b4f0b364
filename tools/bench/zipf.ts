/**
 * Draws ranks 0..count-1 by Zipf's law with exponent 1: rank r is drawn in proportion to 1/(r+1). `random` gives
 * numbers in [0, 1).
 */
export function createZipf(count: number, random: () => number): () => number {
  const cumulated = new Float64Array(count);
  let total = 0;
  for (let rank = 0; rank < count; rank += 1) {
    total += 1 / (rank + 1);
    cumulated[rank] = total;
  }
  return () => {
    const point = random() * total;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cumulated[middle]! <= point) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
}
