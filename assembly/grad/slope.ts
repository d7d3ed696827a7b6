import { ALPHA, BETA, CLIP, F, G, H } from '../cell/parameters';
import { exp } from '../math/exp';
import {
  AFFINE, ELU, GELU, GELU_TANH, HARD_SIGMOID, LEAKY_RELU, RELU, SCALED_TANH, SIGMOID, SILU, SOFTPLUS, SOFTSIGN, TANH,
  THRESHOLDED_RELU,
} from '../math/functions';
import { sigmoid, tanh } from '../math/gates';
import { normalPower, normalTail } from '../math/gelu';
import { EXP_LEAST, GELU_1, GELU_3, GELU_LEAST, ONE, TAIL_MOST } from '../math/table';
import { madd } from '../simd/madd';

/**
 * f′(x) of the function of a number, of four values. Where a function has a corner, PyTorch's slope is taken: the one
 * below it. Out of line, for the reason that applyFunction gives.
 */
export function slopeOf(code: usize, x: v128, alpha: f32, beta: f32, table: usize): v128 {
  const one = v128.load(table, ONE);
  const zero = f32x4.splat(0);
  switch (<i32>code) {
    case <i32>TANH: return tanhSlope(tanh(x, table), one);
    case <i32>SIGMOID: {
      const s = sigmoid(x, table);
      return f32x4.mul(s, f32x4.sub(one, s));
    }
    case <i32>RELU: return v128.and(one, f32x4.gt(x, zero));
    case <i32>SOFTSIGN: {
      const s = f32x4.div(one, f32x4.add(one, f32x4.abs(x)));
      return f32x4.mul(s, s);
    }
    case <i32>SOFTPLUS: return sigmoid(x, table);
    case <i32>SILU: return siluSlope(x, one, table);
    case <i32>AFFINE: return f32x4.splat(alpha);
    case <i32>LEAKY_RELU: return v128.bitselect(one, f32x4.splat(alpha), f32x4.gt(x, zero));
    case <i32>THRESHOLDED_RELU: return v128.and(one, f32x4.gt(x, f32x4.splat(alpha)));
    case <i32>SCALED_TANH:
      return f32x4.mul(f32x4.splat(alpha * beta), tanhSlope(tanh(f32x4.mul(f32x4.splat(beta), x), table), one));
    case <i32>HARD_SIGMOID: {
      const v = f32x4.add(f32x4.mul(f32x4.splat(alpha), x), f32x4.splat(beta));
      return v128.and(f32x4.splat(alpha), v128.and(f32x4.gt(v, zero), f32x4.lt(v, one)));
    }
    case <i32>ELU: {
      // Above 0 the exponential is not taken, and its argument only has to be one that it can take.
      const e = exp(f32x4.pmin(f32x4.pmax(x, v128.load(table, EXP_LEAST)), zero), table);
      return v128.bitselect(one, f32x4.mul(f32x4.splat(alpha), e), f32x4.gt(x, zero));
    }
    case <i32>GELU: return geluSlope(x, one, table);
    case <i32>GELU_TANH: return geluTanhSlope(x, one, table);
    default: return one;
  }
}

/** 1 − y², which keeps its digits where y is near 1. */
// @ts-ignore: decorator
@inline
function tanhSlope(y: v128, one: v128): v128 {
  return f32x4.mul(f32x4.sub(one, y), f32x4.add(one, y));
}

/** σ(x) (1 + x (1 − σ(x))), with the exponential that silu itself takes. */
// @ts-ignore: decorator
@inline
function siluSlope(x: v128, one: v128, table: usize): v128 {
  const least = v128.load(table, EXP_LEAST);
  const v = f32x4.pmin(f32x4.pmax(x, least), f32x4.neg(least));
  const e = exp(f32x4.neg(v), table);
  const s = f32x4.div(one, f32x4.add(one, e));
  // 1 − σ(x) is e σ(x), without a difference of numbers that are nearly equal.
  return f32x4.mul(s, f32x4.add(one, f32x4.mul(v, f32x4.mul(e, s))));
}

/** Φ(x) + x φ(x), φ the density of the normal distribution, out of Φ(−a) and a φ(a) for a = |x|. */
// @ts-ignore: decorator
@inline
function geluSlope(x: v128, one: v128, table: usize): v128 {
  const a = f32x4.pmin(f32x4.abs(x), v128.load(table, TAIL_MOST));
  const power = normalPower(a, table);
  const density = f32x4.mul(f32x4.splat(0.3989422804014327), power);
  const over = f32x4.sub(f32x4.mul(a, density), normalTail(a, power, table));
  return v128.bitselect(f32x4.add(one, over), f32x4.neg(over), f32x4.gt(x, f32x4.splat(0)));
}

/** σ(v) (1 + x (1 − σ(v)) v′) for the v of geluTanh, whose slope is 0 or 1 to a float's rounding beyond ±9.98. */
// @ts-ignore: decorator
@inline
function geluTanhSlope(x: v128, one: v128, table: usize): v128 {
  const least = v128.load(table, GELU_LEAST);
  const v = f32x4.pmin(f32x4.pmax(x, least), f32x4.neg(least));
  const square = f32x4.mul(v, v);
  const cubic = v128.load(table, GELU_3);
  const argument = f32x4.mul(v, madd(cubic, square, v128.load(table, GELU_1)));
  const e = exp(f32x4.pmax(f32x4.neg(argument), v128.load(table, EXP_LEAST)), table);
  const s = f32x4.div(one, f32x4.add(one, e));
  const slope = madd(f32x4.mul(f32x4.splat(3), cubic), square, v128.load(table, GELU_1));
  // 1 − σ is e σ.
  return f32x4.mul(s, f32x4.add(one, f32x4.mul(f32x4.mul(v, slope), f32x4.mul(e, s))));
}

/** The slope by x of f(x), x limited before, of a layer's own f: 0 beyond its limit, as torch.clamp has it. */
// @ts-ignore: decorator
@inline
export function gateSlope(x: v128, table: usize): v128 {
  return limited(x, slopeOf(load<u32>(table, F), x, load<f32>(table, F + ALPHA), load<f32>(table, F + BETA), table), table);
}

/** The same of g. */
// @ts-ignore: decorator
@inline
export function candidateSlope(x: v128, table: usize): v128 {
  return limited(x, slopeOf(load<u32>(table, G), x, load<f32>(table, G + ALPHA), load<f32>(table, G + BETA), table), table);
}

/** The same of h, whose x is as it is. */
// @ts-ignore: decorator
@inline
export function outwardSlope(x: v128, table: usize): v128 {
  return slopeOf(load<u32>(table, H), x, load<f32>(table, H + ALPHA), load<f32>(table, H + BETA), table);
}

// @ts-ignore: decorator
@inline
function limited(x: v128, slope: v128, table: usize): v128 {
  return v128.and(slope, f32x4.le(f32x4.abs(x), v128.load32_splat(table, CLIP)));
}
