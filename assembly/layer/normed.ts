import { epsilonOf } from '../cell/parameters';
import { sigmoid, tanh } from '../math/gates';
import { loadLanes, storeLanes } from '../simd/lanes';
import { madd } from '../simd/madd';
import { recur } from './recur';
import { groupsOf, rowsOf } from './shape';
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
 * z, s: [B][rows], of the whole layer, which is one part · p: vectors of rows: zeros, gain_ih, gain_hh, b, and one with
 * gain_c and bias_c where others have i and f · other arguments as in recurrent_step_f32
 */
export function lstm_normed_step_f32(
  y: usize, ldy: usize, h: usize, ldh: usize, c: usize, ldc: usize, z: usize, s: usize, whh: usize, p: usize, table: usize,
  lengths: usize, time: usize, batch: usize, units: usize, diagonal: bool, u0: usize, u1: usize, phase: usize,
): void {
  const ldz = rowsOf(units, 4) << 2;
  const row = groupsOf(u0) << 6;
  if (phase == 0) {
    recur(s + row, ldz, p + row, 0, h, ldh, whh, batch, units, diagonal, u0, u1, 4);
    return;
  }
  const epsilon = epsilonOf(table);
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy;
    const own = c + b * ldc;
    if (ended(lengths, b, time)) zero(to + (u0 << 2), u1 - u0);
    else if (phase == 1) normedGates(to, own, z + b * ldz, s + b * ldz, p, ldz, table, epsilon, units, u0, u1);
    else normedOutput(to, own, p + 4 * ldz, table, epsilon, units, u0, u1);
  }
}

/** c, y: [units], c read and written, of y the output gate · z, s: [rows] · p: as above, vectors ldz bytes apart */
function normedGates(
  y: usize, c: usize, z: usize, s: usize, p: usize, ldz: usize, table: usize, epsilon: f64, units: usize, u0: usize, u1: usize,
): void {
  const zMean = meanOf(z, units, 4);
  const zScale = scaleOf(z, units, 4, zMean, epsilon);
  const sMean = meanOf(s, units, 4);
  const sScale = scaleOf(s, units, 4, sMean, epsilon);
  for (let u = u0; u < u1; u += 4) {
    const at = u << 4;
    const gains = p + ldz + at;
    const i = joined(z + at, zMean, zScale, s + at, sMean, sScale, gains, ldz);
    const f = joined(z + at + 16, zMean, zScale, s + at + 16, sMean, sScale, gains + 16, ldz);
    const g = joined(z + at + 32, zMean, zScale, s + at + 32, sMean, sScale, gains + 32, ldz);
    const o = joined(z + at + 48, zMean, zScale, s + at + 48, sMean, sScale, gains + 48, ldz);
    const fresh = f32x4.mul(sigmoid(i, table), tanh(g, table));
    storeLanes(c + (u << 2), madd(sigmoid(f, table), v128.load(c + (u << 2)), fresh), u1 - u);
    storeLanes(y + (u << 2), sigmoid(o, table), u1 - u);
  }
}

/** c: [units] · y: [units], on the way in the output gate · p: a vector of rows with gain_c and bias_c */
function normedOutput(y: usize, c: usize, p: usize, table: usize, epsilon: f64, units: usize, u0: usize, u1: usize): void {
  const mean = meanOf(c, units, 1);
  const scale = scaleOf(c, units, 1, mean, epsilon);
  for (let u = u0; u < u1; u += 4) {
    const gain = v128.load(p + (u << 4));
    const cell = madd(normal(v128.load(c + (u << 2)), mean, scale), gain, v128.load(p + (u << 4), 16));
    storeLanes(y + (u << 2), f32x4.mul(v128.load(y + (u << 2)), tanh(cell, table)), u1 - u);
  }
}

/** Of one gate of four units: gain_ih n(z) + gain_hh n(s) + b. */
// @ts-ignore: decorator
@inline
function joined(z: usize, zMean: f64, zScale: f64, s: usize, sMean: f64, sScale: f64, gains: usize, apart: usize): v128 {
  const recurrent = madd(normal(v128.load(s), sMean, sScale), v128.load(gains + apart), v128.load(gains + 2 * apart));
  return madd(normal(v128.load(z), zMean, zScale), v128.load(gains), recurrent);
}

/** Mean of [⌈units/4⌉][gates][4] values, those past `units` left out. Sums are f64, as in math/norm.ts, and for the same reason. */
function meanOf(z: usize, units: usize, gates: usize): f64 {
  let sum = f64x2.splat(0);
  for (let u: usize = 0; u < units; u += 4) {
    for (let g: usize = 0; g < gates; g++) {
      const v = loadLanes(z + ((u * gates + 4 * g) << 2), units - u);
      sum = f64x2.add(sum, f64x2.add(f64x2.promote_low_f32x4(v), f64x2.promote_low_f32x4(upper(v))));
    }
  }
  return (f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)) / <f64>(units * gates);
}

/** 1 / √(variance + epsilon) of the same. */
function scaleOf(z: usize, units: usize, gates: usize, mean: f64, epsilon: f64): f64 {
  let total: f64 = 0;
  for (let u: usize = 0; u < units; u += 4) {
    const count = min<usize>(4, units - u);
    for (let g: usize = 0; g < gates; g++) {
      for (let lane: usize = 0; lane < count; lane++) {
        const d = <f64>load<f32>(z + ((u * gates + 4 * g + lane) << 2)) - mean;
        total += d * d;
      }
    }
  }
  return 1 / sqrt(total / <f64>(units * gates) + epsilon);
}

/** (v − mean) · scale, rounded once at the end */
// @ts-ignore: decorator
@inline
function normal(v: v128, mean: f64, scale: f64): v128 {
  const shift = f64x2.splat(mean);
  const factor = f64x2.splat(scale);
  const a = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(v), shift), factor));
  const b = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(upper(v)), shift), factor));
  return v128.shuffle<i32>(a, b, 0, 1, 4, 5);
}

// @ts-ignore: decorator
@inline
function upper(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 2, 3, 0, 1);
}
