import { madd } from '../simd/madd';
import {
  E1, E2, E3, E4, E5, MINUS_LOG2_E, ONE, P1, P2, P3, P4, Q1, Q2, Q3, Q4, ROUND, SIGMOID_LEAST, SIGMOID_MOST,
  TANH_LEAST, TANH_MOST,
} from './table';

/**
 * The pieces from which gates are made, so that several gates can share a division. table is the address of
 * the constants. NaN stays NaN.
 *
 *   σ(x) = 1 / (1 + e^−x)            sigmoidExp gives e^−x
 *   tanh(x) = x P(x²) / Q(x²)        tanhOver gives x P, tanhUnder gives Q, of an x that limitTanh has limited
 *
 * Limits: σ(28) and tanh(9) are 1 to a float's rounding, and the product of the three denominators of an LSTM's
 * cell stays below 2^91. pmin and pmax are one instruction each on x86, min and max are seven.
 *
 * Coefficients are minimax (Lawson's iteration, relative error, then rounded to floats): 2^f within ±½ to 1.1e-7,
 * tanh to 4.2e-8 of its value, small ones included.
 */

/** e^−x for |x| ≤ 28, else its value there: 2^k · 2^f with x · −log2 e = k + f. */
// @ts-ignore: decorator
@inline
export function sigmoidExp(x: v128, table: usize): v128 {
  const limited = f32x4.pmax(f32x4.pmin(x, v128.load(table, SIGMOID_MOST)), v128.load(table, SIGMOID_LEAST));
  const t = madd(limited, v128.load(table, MINUS_LOG2_E), v128.load(table, ROUND));
  const f = madd(limited, v128.load(table, MINUS_LOG2_E), f32x4.sub(v128.load(table, ROUND), t));
  let p = madd(v128.load(table, E5), f, v128.load(table, E4));
  p = madd(p, f, v128.load(table, E3));
  p = madd(p, f, v128.load(table, E2));
  p = madd(p, f, v128.load(table, E1));
  p = madd(p, f, v128.load(table, ONE));
  // k stands in the low bits of t; it is added to the exponent.
  return i32x4.add(p, i32x4.shl(t, 23));
}

/** x limited to ±9. */
// @ts-ignore: decorator
@inline
export function limitTanh(x: v128, table: usize): v128 {
  return f32x4.pmax(f32x4.pmin(x, v128.load(table, TANH_MOST)), v128.load(table, TANH_LEAST));
}

/** x P(s), for s = x². */
// @ts-ignore: decorator
@inline
export function tanhOver(x: v128, s: v128, table: usize): v128 {
  let p = madd(v128.load(table, P4), s, v128.load(table, P3));
  p = madd(p, s, v128.load(table, P2));
  p = madd(p, s, v128.load(table, P1));
  p = madd(p, s, v128.load(table, ONE));
  return f32x4.mul(x, p);
}

/** Q(s), for s = x². */
// @ts-ignore: decorator
@inline
export function tanhUnder(s: v128, table: usize): v128 {
  let q = madd(v128.load(table, Q4), s, v128.load(table, Q3));
  q = madd(q, s, v128.load(table, Q2));
  q = madd(q, s, v128.load(table, Q1));
  return madd(q, s, v128.load(table, ONE));
}

// @ts-ignore: decorator
@inline
export function sigmoid(x: v128, table: usize): v128 {
  const one = v128.load(table, ONE);
  return f32x4.div(one, f32x4.add(one, sigmoidExp(x, table)));
}

// @ts-ignore: decorator
@inline
export function tanh(x: v128, table: usize): v128 {
  const limited = limitTanh(x, table);
  const s = f32x4.mul(limited, limited);
  return f32x4.div(tanhOver(limited, s, table), tanhUnder(s, table));
}

/** max(x, 0); NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function relu(x: v128): v128 {
  return f32x4.pmax(x, f32x4.splat(0));
}
