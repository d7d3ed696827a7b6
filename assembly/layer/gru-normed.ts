import { blockOf, epsilonOf } from '../cell/parameters';
import { sigmoid, tanh } from '../math/gates';
import { ONE } from '../math/table';
import { storeLanes } from '../simd/lanes';
import { madd } from '../simd/madd';
import { blockBytes, endOf, meanOf, normal, recurBlocks, rowBytes, rowsAt, scaleOf } from './normed';
import { ended, zero } from './stream';

/**
 * One phase of a step of a GRU with layer normalisation, as haste has it (LayerNormGRU), which resets after the product.
 * With n(v) = (v − mean) / √(variance + epsilon), over all rows:
 *
 *   a = gain_ih n(W_ih x) + bias_ih     s = gain_hh n(W_hh h) + bias_hh
 *   r = σ(ar + sr)     u = σ(au + su)     n = tanh(an + r sn)     h' = (1 − u) n + u h
 *
 * Each phase reads what all units have made in the one before. Phase 0: s = W_hh h. Phase 1: (z, s, h) → y.
 *
 * z, s: [B][rows], of the whole layer, which is one part, block after block · p: vectors of rows: zeros, gain_ih,
 * gain_hh, bias_ih, bias_hh · other arguments as in recurrent_step_f32
 */
export function gru_normed_step_f32(
  y: usize, ldy: usize, h: usize, ldh: usize, z: usize, s: usize, whh: usize, p: usize, table: usize,
  lengths: usize, time: usize, batch: usize, units: usize, diagonal: bool, u0: usize, u1: usize, phase: usize,
): void {
  const block = blockOf(table);
  const ldz = rowBytes(units, block, 3);
  const apart = blockBytes(block, 3);
  if (phase == 0) {
    recurBlocks(s, ldz, apart, p, h, ldh, whh, batch, block, diagonal, u0, u1, 3);
    return;
  }
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy;
    if (ended(lengths, b, time)) zero(to + (u0 << 2), u1 - u0);
    else normedUnits(to, h + b * ldh, z + b * ldz, s + b * ldz, apart, p, ldz, table, units, block, u0, u1);
  }
}

/** y: [units] written · h: [units] · z, s: [rows] · p: as above, vectors ldz bytes apart */
export function normedUnits(
  y: usize, h: usize, z: usize, s: usize, apart: usize, p: usize, ldz: usize, table: usize, units: usize, block: usize, u0: usize,
  u1: usize,
): void {
  const epsilon = epsilonOf(table);
  const zMean = meanOf(z, apart, units, block, 3);
  const zScale = scaleOf(z, apart, units, block, 3, zMean, epsilon);
  const sMean = meanOf(s, apart, units, block, 3);
  const sScale = scaleOf(s, apart, units, block, 3, sMean, epsilon);
  for (let first = u0; first < u1; first = endOf(first, u1, block)) {
    const end = endOf(first, u1, block);
    let input = rowsAt(z, first, block, 3, apart);
    let recurrent = rowsAt(s, first, block, 3, apart);
    let inGains = rowsAt(p + ldz, first, block, 3, blockBytes(block, 3));
    for (let u = first; u < end; u += 4) {
      const outGains = inGains + ldz;
      const ar = half(input, zMean, zScale, inGains, ldz);
      const au = half(input + 16, zMean, zScale, inGains + 16, ldz);
      const an = half(input + 32, zMean, zScale, inGains + 32, ldz);
      const sr = half(recurrent, sMean, sScale, outGains, ldz);
      const su = half(recurrent + 16, sMean, sScale, outGains + 16, ldz);
      const sn = half(recurrent + 32, sMean, sScale, outGains + 32, ldz);
      const update = sigmoid(f32x4.add(au, su), table);
      const fresh = tanh(madd(sigmoid(f32x4.add(ar, sr), table), sn, an), table);
      const rest = f32x4.mul(f32x4.sub(v128.load(table, ONE), update), fresh);
      storeLanes(y + (u << 2), madd(update, v128.load(h + (u << 2)), rest), end - u);
      input += 48;
      recurrent += 48;
      inGains += 48;
    }
  }
}

/** Of one gate of four units: gain n(v) + bias; biases stand two vectors of rows behind their gains. */
// @ts-ignore: decorator
@inline
export function half(v: usize, mean: f64, scale: f64, gains: usize, apart: usize): v128 {
  return normal(v128.load(v), mean, scale, v128.load(gains), v128.load(gains + 2 * apart));
}
