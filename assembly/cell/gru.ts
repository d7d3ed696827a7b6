import { limitTanh, sigmoid, sigmoidExp, tanhOver, tanhUnder } from '../math/gates';
import { ONE } from '../math/table';
import { storeLanes } from '../simd/lanes';
import { madd } from '../simd/madd';

/**
 * h' = (1 − σ(u)) tanh(v) + σ(u) h, for the update gate u and the candidate v. With U = e^−u and tanh(v) = A / B:
 * h' = (U A + h B) / ((1 + U) B).
 */
// @ts-ignore: decorator
@inline
function blend(u: v128, v: v128, h: v128, table: usize): v128 {
  const update = sigmoidExp(u, table);
  const candidate = limitTanh(v, table);
  const s = f32x4.mul(candidate, candidate);
  const under = tanhUnder(s, table);
  const sum = madd(update, tanhOver(candidate, s, table), f32x4.mul(h, under));
  return f32x4.div(sum, f32x4.mul(f32x4.add(v128.load(table, ONE), update), under));
}

/**
 * The pointwise half of torch.nn.GRU (reset after the product):
 * r = σ(xr + hr), u = xz + hz, v = xn + r hn, h' as in blend.
 *
 * y: [units] written · h: [units] the state before; may be y
 * z: [⌈units/4⌉][r z n][4] input half with bias_ih · s: the same shape, recurrent half with bias_hh
 * table: the constants
 */
export function gru_after_cell_f32(y: usize, h: usize, z: usize, s: usize, table: usize, units: usize): void {
  for (let i: usize = 0; i < units; i += 4) {
    const reset = sigmoid(f32x4.add(v128.load(z), v128.load(s)), table);
    const update = f32x4.add(v128.load(z, 16), v128.load(s, 16));
    const candidate = madd(reset, v128.load(s, 32), v128.load(z, 32));
    storeLanes(y, blend(update, candidate, v128.load(h), table), units - i);
    y += 16;
    h += 16;
    z += 48;
    s += 48;
  }
}

/**
 * First pointwise third of a GRU that resets before the product (Cho et al. 2014; ONNX's default):
 * q = σ(r) h, which then meets the candidate's recurrent weights.
 *
 * q: [units] written, padding lanes included · h: [units] · z: [⌈units/4⌉][r z][4] · table: the constants
 */
export function gru_before_reset_f32(q: usize, h: usize, z: usize, table: usize, units: usize): void {
  for (let i: usize = 0; i < units; i += 4) {
    v128.store(q, f32x4.mul(sigmoid(v128.load(z), table), v128.load(h)));
    q += 16;
    h += 16;
    z += 32;
  }
}

/**
 * Last pointwise third of the same: h' = (1 − σ(z)) tanh(n) + σ(z) h.
 *
 * y: [units] written · h: [units]; may be y · z: [⌈units/4⌉][r z][4] · n: [units] candidate before tanh
 * table: the constants
 */
export function gru_before_cell_f32(y: usize, h: usize, z: usize, n: usize, table: usize, units: usize): void {
  for (let i: usize = 0; i < units; i += 4) {
    storeLanes(y, blend(v128.load(z, 16), v128.load(n), v128.load(h), table), units - i);
    y += 16;
    h += 16;
    z += 32;
    n += 16;
  }
}
