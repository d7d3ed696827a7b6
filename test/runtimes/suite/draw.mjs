/**
 * Numbers that are the same in every engine: integers and divisions by powers of two only.
 * @param {number} seed
 */
export function draw(seed) {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return {
    /** n values in [-scale, scale) */
    floats(n, scale = 1) {
      return Float32Array.from({ length: n }, () => ((next() >>> 8) / 2 ** 23 - 1) * scale);
    },
    /** n integers within 0..most */
    integers(n, most) {
      return Int32Array.from({ length: n }, () => next() % (most + 1));
    },
  };
}

/** FNV-1a over the bytes of all arrays and, before each, its length; two lanes of 32 bits as hex. */
export function digest(...arrays) {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  const eat = (byte) => {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x85ebca6b) ^ (b >>> 15);
  };
  for (const array of arrays) {
    for (let shift = 0; shift < 32; shift += 8) eat((array.length >>> shift) & 255);
    for (const byte of new Uint8Array(array.buffer, array.byteOffset, array.byteLength)) eat(byte);
  }
  return [a, b].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
}

/** The arrays of a state, in order. */
export const arraysOf = (state) => state.flatMap(({ h, c }) => (c === undefined ? [h] : [h, c]));
