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

/**
 * Seeded random numbers of one name: the 32-bit generator "sfc32" (Chris Doty-Humphrey), whose 128 bits of state start
 * from the seed and the name. Streams of different names or seeds are as good as unrelated, whereas seededRandom's are
 * one circle of 2^32 numbers entered at different places: of twenty tensors of a million weights each, two would share
 * some in one model of ten.
 * @param seed any integer; its low 32 bits count
 * @returns a function giving the next number in [0, 1)
 */
export function namedRandom(seed: number, name: string): () => number {
  let a = hash(name, 0x811c9dc5);
  let b = hash(name, 0x9747b28c);
  let c = seed | 0;
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  // Until every bit of the state has gone through all four words.
  for (let round = 0; round < 20; round++) next();
  return next;
}

/** FNV-1a over the name's UTF-16 code units. */
function hash(name: string, start: number): number {
  let value = start | 0;
  for (let i = 0; i < name.length; i++) value = Math.imul(value ^ name.charCodeAt(i), 0x01000193);
  return value;
}
