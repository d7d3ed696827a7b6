import { clamp, exp, expm1 } from './exp';

/**
 * The pieces from which gates are made. Limits: σ(28) and tanh(14) are 1 to the last bit of a float, and
 * the product of the three denominators of an LSTM's cell stays below 2^122.
 */
const SIGMOID_LIMIT: f32 = 28;
const TANH_LIMIT: f32 = 14;

/** e^−x, for 1 / (1 + e^−x) = σ(x). */
// @ts-ignore: decorator
@inline
export function sigmoidExp(x: v128): v128 {
  return exp(f32x4.neg(clamp(x, SIGMOID_LIMIT)));
}

/** e^−2x − 1 =: m, for −m / (2 + m) = tanh(x). */
// @ts-ignore: decorator
@inline
export function tanhExpm1(x: v128): v128 {
  const limited = clamp(x, TANH_LIMIT);
  return expm1(f32x4.neg(f32x4.add(limited, limited)));
}

// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), sigmoidExp(x)));
}

// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  const m = tanhExpm1(x);
  return f32x4.div(f32x4.neg(m), f32x4.add(f32x4.splat(2), m));
}

/** max(x, 0); NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function relu(x: v128): v128 {
  return f32x4.pmax(x, f32x4.splat(0));
}
