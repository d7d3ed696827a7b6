import { madd } from '../simd/madd';
import { exp, expm1 } from './exp';
import { relu, sigmoid, tanh } from './gates';
import { gelu, geluTanh } from './gelu';
import { EXP_LEAST, L0, L1, L2, L3, ONE } from './table';

/** The functions by number; src/model/functions.ts says what each computes and holds the same numbers. */
export const TANH: usize = 0;
export const SIGMOID: usize = 1;
export const RELU: usize = 2;
export const SOFTSIGN: usize = 3;
export const SOFTPLUS: usize = 4;
export const SILU: usize = 5;
export const IDENTITY: usize = 6;
export const AFFINE: usize = 7;
export const LEAKY_RELU: usize = 8;
export const THRESHOLDED_RELU: usize = 9;
export const SCALED_TANH: usize = 10;
export const HARD_SIGMOID: usize = 11;
export const ELU: usize = 12;
export const GELU: usize = 13;
export const GELU_TANH: usize = 14;

/**
 * The function of a number, of four values; NaN stays NaN. Out of line, so that a cell which applies five of them is
 * no larger for it: where the number is always the same, the processor knows where its branch goes.
 */
export function applyFunction(code: usize, x: v128, alpha: f32, beta: f32, table: usize): v128 {
  switch (<i32>code) {
    case <i32>TANH: return tanh(x, table);
    case <i32>SIGMOID: return sigmoid(x, table);
    case <i32>RELU: return relu(x);
    case <i32>SOFTSIGN: return f32x4.div(x, f32x4.add(v128.load(table, ONE), f32x4.abs(x)));
    case <i32>SOFTPLUS: return softplus(x, table);
    case <i32>SILU: return silu(x, table);
    case <i32>AFFINE: return madd(f32x4.splat(alpha), x, f32x4.splat(beta));
    case <i32>LEAKY_RELU: return below(x, f32x4.mul(f32x4.splat(alpha), x));
    case <i32>THRESHOLDED_RELU: return v128.andnot(x, f32x4.le(x, f32x4.splat(alpha)));
    case <i32>SCALED_TANH: return f32x4.mul(f32x4.splat(alpha), tanh(f32x4.mul(f32x4.splat(beta), x), table));
    case <i32>HARD_SIGMOID: return hardSigmoid(x, alpha, beta, table);
    case <i32>ELU: return below(x, f32x4.mul(f32x4.splat(alpha), expm1(f32x4.pmax(x, v128.load(table, EXP_LEAST)), table)));
    case <i32>GELU: return gelu(x, table);
    case <i32>GELU_TANH: return geluTanh(x, table);
    default: return x;
  }
}

/** x < 0 ? y : x */
// @ts-ignore: decorator
@inline
function below(x: v128, y: v128): v128 {
  return v128.bitselect(y, x, f32x4.lt(x, f32x4.splat(0)));
}

/**
 * ln(1 + e^x) = max(x, 0) + ln(1 + u) for u = e^−|x|, and ln(1 + u) = 2 artanh(s) for s = u / (2 + u) ≤ ⅓: an odd
 * polynomial in s, minimax (Lawson's iteration, relative error 5.4e-9), so that nothing is lost where u is small.
 * Below −87 it is 0.
 */
// @ts-ignore: decorator
@inline
export function softplus(x: v128, table: usize): v128 {
  const one = v128.load(table, ONE);
  const least = v128.load(table, EXP_LEAST);
  const size = f32x4.neg(f32x4.abs(x));
  const u = v128.andnot(exp(f32x4.pmax(size, least), table), f32x4.lt(size, least));
  const s = f32x4.div(u, f32x4.add(f32x4.add(one, one), u));
  const q = f32x4.mul(s, s);
  let p = madd(v128.load(table, L3), q, v128.load(table, L2));
  p = madd(p, q, v128.load(table, L1));
  p = madd(p, q, v128.load(table, L0));
  const half = madd(f32x4.mul(p, q), s, s);
  return f32x4.add(relu(x), f32x4.add(half, half));
}

/** x / (1 + e^−x), with the accurate exponential: the gates' one stays at e^28, and x may be any size. Below −87 it is −87 e^−87. */
// @ts-ignore: decorator
@inline
function silu(x: v128, table: usize): v128 {
  const least = v128.load(table, EXP_LEAST);
  const over = f32x4.pmax(x, least);
  return f32x4.div(over, f32x4.add(v128.load(table, ONE), exp(f32x4.neg(f32x4.pmin(over, f32x4.neg(least))), table)));
}

/** max(0, min(1, αx + β)) */
// @ts-ignore: decorator
@inline
function hardSigmoid(x: v128, alpha: f32, beta: f32, table: usize): v128 {
  return f32x4.pmax(f32x4.pmin(madd(f32x4.splat(alpha), x, f32x4.splat(beta)), v128.load(table, ONE)), f32x4.splat(0));
}

/**
 * y = f(x), f by its number, with its alpha and beta. x: [rows, width] · y: [rows, width], may be x · row strides in
 * bytes · table: the constants. Rows are padded as in activate.ts, and their padding is written too.
 */
export function function_f32(
  y: usize, ldy: usize, x: usize, ldx: usize, table: usize, rows: usize, width: usize, code: usize, alpha: f32, beta: f32,
): void {
  for (let r: usize = 0; r < rows; r++) {
    for (let i: usize = 0; i < width << 2; i += 16) {
      v128.store(y + r * ldy + i, applyFunction(code, v128.load(x + r * ldx + i), alpha, beta, table));
    }
  }
}
