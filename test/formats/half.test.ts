import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBf16, decodeF16, encodeBf16, encodeF16 } from '#dist/formats/half.js';

const all = Uint16Array.from({ length: 65536 }, (_, i) => i);

/** A binary float by its definition, as a double (exact). */
function numberOf(bits: number, exponentBits: number, fractionBits: number): number {
  const bias = 2 ** (exponentBits - 1) - 1;
  const fraction = bits % 2 ** fractionBits;
  const exponent = Math.floor(bits / 2 ** fractionBits) % 2 ** exponentBits;
  const sign = bits >= 2 ** (exponentBits + fractionBits) ? -1 : 1;
  if (exponent === 2 ** exponentBits - 1)
    return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (2 ** fractionBits + fraction) * 2 ** (exponent - bias - fractionBits);
}

/**
 * Nearest, ties to even, by comparing distances with the neighbours on the list of all finite values; beyond the
 * largest one the next power of two stands for infinity.
 */
function nearest(value: number, exponentBits: number, fractionBits: number): number {
  const size = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const infinity = (2 ** exponentBits - 1) * 2 ** fractionBits;
  if (Number.isNaN(value)) return Number.NaN;
  const at = (bits: number) =>
    bits === infinity ? 2 ** (2 ** (exponentBits - 1)) : numberOf(bits, exponentBits, fractionBits);
  let low = 0;
  let high = infinity;
  if (size >= at(infinity)) return sign | infinity;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (at(middle) <= size) low = middle;
    else high = middle;
  }
  const below = size - at(low);
  const above = at(high) - size;
  if (below !== above) return sign | (below < above ? low : high);
  return sign | (low % 2 === 0 ? low : high);
}

const formats = [
  { name: 'f16', exponentBits: 5, fractionBits: 10, decode: decodeF16, encode: encodeF16 },
  { name: 'bf16', exponentBits: 8, fractionBits: 7, decode: decodeBf16, encode: encodeBf16 },
];

for (const { name, exponentBits, fractionBits, decode, encode } of formats) {
  test(`${name}: every pattern has the value of its definition`, () => {
    const decoded = decode(all);
    const wrong = all.filter((bits) => !Object.is(decoded[bits], numberOf(bits, exponentBits, fractionBits)));
    expect([...wrong]).toEqual([]);
  });

  test(`${name}: every pattern survives the way to f32 and back, NaN payloads too`, () => {
    expect(encode(decode(all))).toEqual(all);
  });

  test(`${name}: every midpoint between neighbours, and the f32 next to it, rounds to nearest even`, () => {
    const values: number[] = [];
    const bits = new Uint32Array(1);
    const float = new Float32Array(bits.buffer);
    const infinity = (2 ** exponentBits - 1) * 2 ** fractionBits;
    for (let low = 0; low < infinity; low++) {
      const high =
        low + 1 === infinity ? 2 ** (2 ** (exponentBits - 1)) : numberOf(low + 1, exponentBits, fractionBits);
      float[0] = (numberOf(low, exponentBits, fractionBits) + high) / 2;
      const middle = bits[0]!;
      for (const near of [middle - 1, middle, middle + 1]) {
        bits[0] = near;
        values.push(float[0], -float[0]);
      }
    }
    const encoded = encode(Float32Array.from(values));
    const wrong = values.filter((value, i) => encoded[i] !== nearest(value, exponentBits, fractionBits));
    expect(wrong).toEqual([]);
  });

  test(`${name}: any f32 rounds to nearest even`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (pattern) => {
        const float = new Float32Array(Uint32Array.of(pattern).buffer);
        const encoded = encode(float)[0]!;
        if (Number.isNaN(float[0])) expect(numberOf(encoded, exponentBits, fractionBits)).toBeNaN();
        else expect(encoded).toBe(nearest(float[0]!, exponentBits, fractionBits));
      }),
      { numRuns: 5000 },
    );
  });
}

test('a NaN whose payload lies in the bits cut off stays a NaN', () => {
  const nan = new Float32Array(Uint32Array.of(0x7f800001, 0xff800001).buffer);
  expect([...decodeF16(encodeF16(nan)), ...decodeBf16(encodeBf16(nan))]).toEqual([NaN, NaN, NaN, NaN]);
  expect(encodeF16(nan)[1]! & 0x8000).toBe(0x8000);
});
