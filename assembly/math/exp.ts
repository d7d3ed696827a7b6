import { madd } from '../simd/madd';
import { LOG2_E, MINUS_LN2_HI, MINUS_LN2_LO, ONE, R0, R1, R2, R3, R4, ROUND } from './table';

/**
 * The exponential of a softmax, accurate over its whole range, after Cody and Waite: x = k·ln 2 + r with
 * |r| ≤ ln 2 / 2, so that e^x = 2^k · (1 + q), where q = e^r − 1.
 *
 * q = r + r² · P(r), P of degree 4, minimax over the interval (Lawson's iteration, weighted so that the
 * error is relative to q): 1.4e-8, a fifth of a float's rounding.
 *
 * x must lie within [−87, 87]: the caller sees to it. NaN stays NaN.
 */

// The table has ln 2 in two parts; the first has 9 significant bits, so k times it is exact without a fused multiply-add.

/** x · log2 e + 1.5 · 2^23: the sum's low mantissa bits are k itself, rounded to nearest. */
// @ts-ignore: decorator
@inline
function rounded(x: v128, table: usize): v128 {
  return madd(x, v128.load(table, LOG2_E), v128.load(table, ROUND));
}

// @ts-ignore: decorator
@inline
function reduced(x: v128, t: v128, table: usize): v128 {
  const k = f32x4.sub(t, v128.load(table, ROUND));
  return madd(k, v128.load(table, MINUS_LN2_LO), madd(k, v128.load(table, MINUS_LN2_HI), x));
}

// @ts-ignore: decorator
@inline
function fraction(r: v128, table: usize): v128 {
  let p = madd(v128.load(table, R4), r, v128.load(table, R3));
  p = madd(p, r, v128.load(table, R2));
  p = madd(p, r, v128.load(table, R1));
  p = madd(p, r, v128.load(table, R0));
  return madd(f32x4.mul(r, r), p, r);
}

/** 2^k from the low bits of t, built in the exponent field. */
// @ts-ignore: decorator
@inline
function scale(t: v128, table: usize): v128 {
  return i32x4.add(i32x4.shl(t, 23), v128.load(table, ONE));
}

/** e^x − 1, x within [−87, 87], small ones included: s q + (s − 1), for 2^k = s and e^r = 1 + q. */
// @ts-ignore: decorator
@inline
export function expm1(x: v128, table: usize): v128 {
  const t = rounded(x, table);
  const s = scale(t, table);
  return madd(s, fraction(reduced(x, t, table), table), f32x4.sub(s, v128.load(table, ONE)));
}

/** e^x, x within [−87, 87]; table: the address of the constants. */
// @ts-ignore: decorator
@inline
export function exp(x: v128, table: usize): v128 {
  const t = rounded(x, table);
  const s = scale(t, table);
  return madd(s, fraction(reduced(x, t, table), table), s);
}

/** e^(x + d), x as above and d what rounding took from it, a twentieth at most. */
// @ts-ignore: decorator
@inline
export function expOfSum(x: v128, d: v128, table: usize): v128 {
  const t = rounded(x, table);
  const s = scale(t, table);
  return madd(s, fraction(f32x4.add(reduced(x, t, table), d), table), s);
}
