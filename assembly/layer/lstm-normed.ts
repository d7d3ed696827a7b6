import { blockOf, epsilonOf } from '../cell/parameters';
import { sigmoid, tanh } from '../math/gates';
import { storeLanes } from '../simd/lanes';
import { madd } from '../simd/madd';
import { blockBytes, endOf, meanOf, normal, recurBlocks, rowBytes, rowsAt, scaleOf } from './normed';
import { ended, zero } from './stream';

/**
 * One phase of a step of an LSTM with layer normalisation (Ba et al. 2016, equations 20 to 22). With n(v) = (v − mean) /
 * √(variance + epsilon), over all rows and all units:
 *
 *   a = gain_ih n(W_ih x) + gain_hh n(W_hh h) + b     c' = σ(af) c + σ(ai) tanh(ag)
 *   h' = σ(ao) tanh(gain_c n(c') + bias_c)
 *
 * Each phase reads what all units have made in the one before. Phase 0: s = W_hh h. Phase 1: (z, s, c) → (c, σ(ao) → y).
 * Phase 2: (c, y) → y.
 *
 * z, s: [B][rows], of the whole layer, which is one part, block after block · p: vectors of rows: zeros, gain_ih,
 * gain_hh, b, and one with gain_c and bias_c where others have i and f · other arguments as in recurrent_step_f32
 */
export function lstm_normed_step_f32(
  y: usize, ldy: usize, h: usize, ldh: usize, c: usize, ldc: usize, z: usize, s: usize, whh: usize, p: usize, table: usize,
  lengths: usize, time: usize, batch: usize, units: usize, diagonal: bool, u0: usize, u1: usize, phase: usize,
): void {
  const block = blockOf(table);
  const ldz = rowBytes(units, block, 4);
  const apart = blockBytes(block, 4);
  if (phase == 0) {
    recurBlocks(s, ldz, apart, p, h, ldh, whh, batch, block, diagonal, u0, u1, 4);
    return;
  }
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy;
    const own = c + b * ldc;
    if (ended(lengths, b, time)) zero(to + (u0 << 2), u1 - u0);
    else if (phase == 1) normedGates(to, own, z + b * ldz, s + b * ldz, apart, p, ldz, table, units, block, u0, u1);
    else normedOutput(to, own, p + 4 * ldz, table, units, block, u0, u1);
  }
}

/** c, y: [units], c read and written, of y the output gate · z, s: [rows] · p: as above, vectors ldz bytes apart */
export function normedGates(
  y: usize, c: usize, z: usize, s: usize, apart: usize, p: usize, ldz: usize, table: usize, units: usize, block: usize, u0: usize,
  u1: usize,
): void {
  const epsilon = epsilonOf(table);
  const zMean = meanOf(z, apart, units, block, 4);
  const zScale = scaleOf(z, apart, units, block, 4, zMean, epsilon);
  const sMean = meanOf(s, apart, units, block, 4);
  const sScale = scaleOf(s, apart, units, block, 4, sMean, epsilon);
  for (let first = u0; first < u1; first = endOf(first, u1, block)) {
    const end = endOf(first, u1, block);
    let input = rowsAt(z, first, block, 4, apart);
    let recurrent = rowsAt(s, first, block, 4, apart);
    let gains = rowsAt(p + ldz, first, block, 4, blockBytes(block, 4));
    for (let u = first; u < end; u += 4) {
      const i = joined(input, zMean, zScale, recurrent, sMean, sScale, gains, ldz);
      const f = joined(input + 16, zMean, zScale, recurrent + 16, sMean, sScale, gains + 16, ldz);
      const g = joined(input + 32, zMean, zScale, recurrent + 32, sMean, sScale, gains + 32, ldz);
      const o = joined(input + 48, zMean, zScale, recurrent + 48, sMean, sScale, gains + 48, ldz);
      const fresh = f32x4.mul(sigmoid(i, table), tanh(g, table));
      storeLanes(c + (u << 2), madd(sigmoid(f, table), v128.load(c + (u << 2)), fresh), end - u);
      storeLanes(y + (u << 2), sigmoid(o, table), end - u);
      input += 64;
      recurrent += 64;
      gains += 64;
    }
  }
}

/** c: [units] · y: [units], on the way in the output gate · p: a vector of rows with gain_c and bias_c */
export function normedOutput(y: usize, c: usize, p: usize, table: usize, units: usize, block: usize, u0: usize, u1: usize): void {
  const mean = meanOf(c, 0, units, units, 1);
  const scale = scaleOf(c, 0, units, units, 1, mean, epsilonOf(table));
  for (let first = u0; first < u1; first = endOf(first, u1, block)) {
    const end = endOf(first, u1, block);
    let gains = rowsAt(p, first, block, 4, blockBytes(block, 4));
    for (let u = first; u < end; u += 4) {
      const cell = normal(v128.load(c + (u << 2)), mean, scale, v128.load(gains), v128.load(gains, 16));
      storeLanes(y + (u << 2), f32x4.mul(v128.load(y + (u << 2)), tanh(cell, table)), end - u);
      gains += 64;
    }
  }
}

/** Of one gate of four units: gain_ih n(z) + gain_hh n(s) + b; the vectors of rows are `apart` bytes apart. */
// @ts-ignore: decorator
@inline
export function joined(z: usize, zMean: f64, zScale: f64, s: usize, sMean: f64, sScale: f64, gains: usize, apart: usize): v128 {
  const recurrent = normal(v128.load(s), sMean, sScale, v128.load(gains + apart), v128.load(gains + 2 * apart));
  return normal(v128.load(z), zMean, zScale, v128.load(gains), recurrent);
}
