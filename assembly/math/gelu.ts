import { madd } from '../simd/madd';
import { exp, expOfSum } from './exp';
import { relu } from './gates';
import { D1, D2, D3, D4, D5, EXP_LEAST, GELU_1, GELU_3, GELU_LEAST, N1, N2, N3, N4, ONE, TAIL_MOST } from './table';

/**
 * x Φ(x), Φ the normal distribution function (Hendrycks & Gimpel 2016), as max(x, 0) − a Φ(−a) for a = |x|, so that
 * nothing is lost where x is negative. Beyond 13.19 a stays there, and a Φ(−a) is below 1e-38.
 */
// @ts-ignore: decorator
@inline
export function gelu(x: v128, table: usize): v128 {
  const a = f32x4.pmin(f32x4.abs(x), v128.load(table, TAIL_MOST));
  return f32x4.sub(relu(x), f32x4.mul(a, normalTail(a, normalPower(a, table), table)));
}

/**
 * e^(−a²/2). The square is taken in two parts, of the upper half of a's bits, which is exact, and of what is left: its
 * rounding would be 43 ulp of the exponential.
 */
// @ts-ignore: decorator
@inline
export function normalPower(a: v128, table: usize): v128 {
  const minusHalf = f32x4.splat(-0.5);
  const upper = i32x4.shl(i32x4.shr_u(a, 12), 12);
  const rest = f32x4.mul(f32x4.sub(a, upper), f32x4.add(a, upper));
  return expOfSum(f32x4.mul(minusHalf, f32x4.mul(upper, upper)), f32x4.mul(minusHalf, rest), table);
}

/**
 * Φ(−a) = ½ e^(−a²/2) N(a) / D(a), N and D of degrees 4 and 5 without a negative coefficient, minimax (Lawson's iteration,
 * relative error 4.9e-9), for a within 0..13.19.
 */
// @ts-ignore: decorator
@inline
export function normalTail(a: v128, power: v128, table: usize): v128 {
  const one = v128.load(table, ONE);
  let n = madd(v128.load(table, N4), a, v128.load(table, N3));
  n = madd(n, a, v128.load(table, N2));
  n = madd(n, a, v128.load(table, N1));
  n = madd(n, a, one);
  let d = madd(v128.load(table, D5), a, v128.load(table, D4));
  d = madd(d, a, v128.load(table, D3));
  d = madd(d, a, v128.load(table, D2));
  d = madd(d, a, v128.load(table, D1));
  d = madd(d, a, one);
  return f32x4.div(f32x4.mul(f32x4.mul(f32x4.splat(0.5), power), n), d);
}

/**
 * ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))), which is x / (1 + e^−v) for twice what tanh is of. Below −9.98 it is what it
 * is there, 2e-37 from 0.
 */
// @ts-ignore: decorator
@inline
export function geluTanh(x: v128, table: usize): v128 {
  const over = f32x4.pmax(x, v128.load(table, GELU_LEAST));
  const v = f32x4.mul(over, madd(v128.load(table, GELU_3), f32x4.mul(over, over), v128.load(table, GELU_1)));
  const power = exp(f32x4.pmax(f32x4.neg(v), v128.load(table, EXP_LEAST)), table);
  return f32x4.div(over, f32x4.add(v128.load(table, ONE), power));
}
