/**
 * Seeded random numbers: the 32-bit generator "mulberry32" (Tommy Ettinger), a counter through a mixing
 * function. Small, fast and the same everywhere; not for secrets.
 * @param seed any integer; its low 32 bits count
 * @returns a function giving the next number in [0, 1)
 */
export function seededRandom(seed: number): () => number {
  let counter = seed | 0;
  return () => {
    counter = (counter + 0x6d2b79f5) | 0;
    let z = Math.imul(counter ^ (counter >>> 15), counter | 1);
    z = (z + Math.imul(z ^ (z >>> 7), z | 61)) ^ z;
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}
