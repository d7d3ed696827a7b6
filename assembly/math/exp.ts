import { madd } from '../simd/madd';

/**
 * The exponential of a softmax, accurate over its whole range, after Cody and Waite: x = k·ln 2 + r with
 * |r| ≤ ln 2 / 2, so that e^x = 2^k · (1 + q), where q = e^r − 1.
 *
 * q = r + r² · P(r), P of degree 4, minimax over the interval (Lawson's iteration, weighted so that the
 * error is relative to q): 1.4e-8, a fifth of a float's rounding.
 *
 * x must lie within [−87, 87]: the caller sees to it. NaN stays NaN.
 */

// k is found by adding 1.5 · 2^23: the sum's low mantissa bits are then k itself, rounded to nearest.
const ROUND: f32 = 12582912.0;
const LOG2_E: f32 = 1.4426950408889634;
// ln 2 in two parts; the first has 9 significant bits, so k · LN2_HI is exact without a fused multiply-add.
const LN2_HI: f32 = 0.693359375;
const LN2_LO: f32 = -2.12194440054690583e-4;
const P0: f32 = 0.49999997;
const P1: f32 = 0.16666543;
const P2: f32 = 0.0416672;
const P3: f32 = 0.008366548;
const P4: f32 = 0.0013882517;

/** x · log2 e + 1.5 · 2^23, whose low bits are k. */
// @ts-ignore: decorator
@inline
function rounded(x: v128): v128 {
  return madd(x, f32x4.splat(LOG2_E), f32x4.splat(ROUND));
}

// @ts-ignore: decorator
@inline
function fraction(x: v128, t: v128): v128 {
  const k = f32x4.sub(t, f32x4.splat(ROUND));
  const r = madd(k, f32x4.splat(-LN2_LO), madd(k, f32x4.splat(-LN2_HI), x));
  let p = madd(f32x4.splat(P4), r, f32x4.splat(P3));
  p = madd(p, r, f32x4.splat(P2));
  p = madd(p, r, f32x4.splat(P1));
  p = madd(p, r, f32x4.splat(P0));
  return madd(f32x4.mul(r, r), p, r);
}

/** 2^k from the low bits of t, built in the exponent field. */
// @ts-ignore: decorator
@inline
function scale(t: v128): v128 {
  return i32x4.add(i32x4.shl(t, 23), i32x4.splat(0x3f800000));
}

/** e^x, x within [−87, 87]. */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const t = rounded(x);
  const s = scale(t);
  return madd(s, fraction(x, t), s);
}
