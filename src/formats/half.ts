/**
 * The two 16-bit floats of weight files, by bit arithmetic alone: the same results in every engine, with or
 * without Float16Array. Both directions work on the integer bits, so that even a NaN's payload survives.
 *
 *   binary16 (IEEE 754):  s eeeee mmmmmmmmmm        bias 15
 *   bfloat16:             s eeeeeeee mmmmmmm        bias 127, the upper half of a binary32
 *   binary32:             s eeeeeeee mmmmmmmmmmmmmmmmmmmmmmm
 */

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** binary16 bits → binary32. Exact for every pattern. */
export function decodeF16(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  const bits = bitsOf(values);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 31;
    const fraction = half & 0x3ff;
    if (exponent === 0) {
      if (fraction === 0) {
        bits[i] = sign;
      } else {
        // Subnormal, fraction × 2^-24: shift its leading one up into the hidden bit.
        const shift = Math.clz32(fraction) - 21;
        bits[i] = sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
      }
    } else {
      bits[i] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13);
    }
  }
  return values;
}

/**
 * binary32 → binary16 bits, rounded to nearest, ties to even. What is 65520 or more in magnitude becomes
 * infinite (IEEE 754 §4.3.1); a NaN stays a NaN.
 */
export function encodeF16(values: Float32Array): Uint16Array {
  const bits = bitsOf(values);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const sign = (bits[i]! >>> 16) & 0x8000;
    const size = bits[i]! & 0x7fffffff;
    let half: number;
    if (size > 0x7f800000) {
      // A payload that lies wholly in the bits cut off would turn the NaN into an infinity.
      half = 0x7c00 | ((size >>> 13) & 0x3ff || 0x200);
    } else if (size >= 0x477ff000) {
      half = 0x7c00; // 65520 = 65504 + half a unit: the tie goes to the even neighbour, infinity
    } else if (size >= 0x38800000) {
      const rebiased = size - (112 << 23);
      half = (rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13;
    } else if (size > 0x33000000) {
      // Between 2^-25 and 2^-14: count in units of 2^-24. A carry out of the fraction gives the least normal.
      const shift = 126 - (size >>> 23);
      const fraction = (size & 0x7fffff) | 0x800000;
      const rest = fraction & ((1 << shift) - 1);
      const tie = 1 << (shift - 1);
      half = fraction >>> shift;
      if (rest > tie || (rest === tie && (half & 1) === 1)) half++;
    } else {
      half = 0;
    }
    halves[i] = sign | half;
  }
  return halves;
}

/** bfloat16 bits → binary32. Exact for every pattern. */
export function decodeBf16(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  const bits = bitsOf(values);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return values;
}

/** binary32 → bfloat16 bits, rounded to nearest, ties to even; a NaN stays a NaN. */
export function encodeBf16(values: Float32Array): Uint16Array {
  const bits = bitsOf(values);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    const upper = word >>> 16;
    if ((word & 0x7fffffff) > 0x7f800000) halves[i] = (upper & 0x7f) === 0 ? upper | 0x40 : upper;
    else halves[i] = (word + 0x7fff + (upper & 1)) >>> 16;
  }
  return halves;
}
