import { epsilonOf } from '../cell/parameters';
import { joined, normedGates, normedOutput } from '../layer/lstm-normed';
import { blockBytes, meanOf, normal, recurBlocks, rowBytes, rowsAt, scaleOf } from '../layer/normed';
import { ended, zero } from '../layer/stream';
import { sigmoid, tanh } from '../math/gates';
import { high, low } from '../math/norm';
import { ONE } from '../math/table';
import { keepLanes, storePadded } from '../simd/lanes';
import { carryCells } from './general';
import {
  addProduct, addTo, bothLanes, centred, clearBlocks, normedRowsBack, recurBlocksBack, rounded,
} from './normed';
import { backUnits } from './recur-back';

/**
 * One step on tape of all units of an LSTM with layer normalisation, whose equations are in layer/lstm-normed.ts. Rows stay as
 * they are before their normalisation, and the way back takes means and gates anew.
 *
 * y, c: [B] written · h, before: [B] the state before · z, s: [B] rows of one step, blocks `apart` bytes apart · p: vectors of
 * rows, as there · whh: [blocks] · others as in recurrent_tape_f32
 */
export function lstm_normed_tape_step_f32(
  y: usize, h: usize, ldy: usize, c: usize, before: usize, ldc: usize, z: usize, s: usize, apart: usize, whh: usize, p: usize,
  table: usize, lengths: usize, time: usize, batch: usize, units: usize, block: usize, diagonal: bool,
): void {
  const ldz = blockBytes(block, 4);
  const ldp = rowBytes(units, block, 4);
  carryCells(c, before, ldc, batch, units);
  recurBlocks(s, ldz, apart, p, h, ldy, whh, batch, block, diagonal, 0, units, 4);
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy;
    const own = c + b * ldc;
    if (ended(lengths, b, time)) {
      zero(to, units);
      continue;
    }
    normedGates(to, own, z + b * ldz, s + b * ldz, apart, p, ldp, table, units, block, 0, units);
    normedOutput(to, own, p + 4 * ldp, table, units, block, 0, units);
  }
}

/**
 * The same step backwards. With d = dy + dh, t = tanh(gain_c n(c) + bias_c) and what normed.ts says of a normalisation:
 *
 *   dt = d o (1 − t²), through n(c) to e = dc + …      da_o = d t o (1 − o)
 *   da_i = e g i (1 − i)   da_f = e before f (1 − f)   da_g = e i (1 − g²)      dc' = e f
 *
 * and da goes on through both halves' normalisations to dz and ds.
 *
 * z, s: replaced by dz and ds · dh, dc: [B][blocks][⌈block/8⌉·8], ldh bytes apart, replaced by those of the step before
 * row: [rows] scratch · sums: [5][B] vectors of rows, lds bytes from one [B] to the next: of gain_ih, of gain_hh, of the bias,
 * of gain_c where others have i, of bias_c where others have f
 */
export function lstm_normed_back_step_f32(
  dy: usize, lddy: usize, c: usize, before: usize, ldc: usize, z: usize, s: usize, apart: usize, dh: usize, dc: usize, ldh: usize,
  row: usize, sums: usize, lds: usize, whhT: usize, p: usize, table: usize, lengths: usize, time: usize, batch: usize, units: usize,
  block: usize, diagonal: bool,
): void {
  const ldz = blockBytes(block, 4);
  const ldp = rowBytes(units, block, 4);
  const epsilon = epsilonOf(table);
  for (let b: usize = 0; b < batch; b++) {
    const input = z + b * ldz;
    const recurrent = s + b * ldz;
    if (ended(lengths, b, time)) {
      clearBlocks(input, apart, units, block, 4);
      clearBlocks(recurrent, apart, units, block, 4);
      continue;
    }
    const zMean = meanOf(input, apart, units, block, 4);
    const zScale = scaleOf(input, apart, units, block, 4, zMean, epsilon);
    const sMean = meanOf(recurrent, apart, units, block, 4);
    const sScale = scaleOf(recurrent, apart, units, block, 4, sMean, epsilon);
    const own = sums + b * ldp;
    backUnitsOf(
      row, dy + b * lddy, dh + b * ldh, dc + b * ldh, c + b * ldc, before + b * ldc, input, recurrent, apart, zMean, zScale,
      sMean, sScale, own + 3 * lds, own + 4 * lds, p, ldp, table, units, block,
    );
    normedRowsBack(input, apart, row, p + ldp, own, own + 2 * lds, units, block, 4, zMean, zScale);
    normedRowsBack(recurrent, apart, row, p + 2 * ldp, own + lds, 0, units, block, 4, sMean, sScale);
  }
  if (time) recurBlocksBack(dh, ldh, s, apart, whhT, batch, units, block, diagonal, 4);
}

/** da of one stream into row; dh: read and zeroed; dc: replaced; dGain, dBias: of c, added to. Others as above. */
function backUnitsOf(
  row: usize, dy: usize, dh: usize, dc: usize, c: usize, before: usize, z: usize, s: usize, apart: usize, zMean: f64, zScale: f64,
  sMean: f64, sScale: f64, dGain: usize, dBias: usize, p: usize, ldp: usize, table: usize, units: usize, block: usize,
): void {
  const one = v128.load(table, ONE);
  const epsilon = epsilonOf(table);
  const bytes = blockBytes(block, 4);
  const mean = meanOf(c, 0, units, units, 1);
  const scale = scaleOf(c, 0, units, units, 1, mean, epsilon);
  let sum = f64x2.splat(0);
  let product = f64x2.splat(0);
  // What comes to the normal form of c is of all units, before any of it goes on.
  for (let first: usize = 0; first < units; first += block) {
    const input = rowsAt(z, first, block, 4, apart);
    const recurrent = rowsAt(s, first, block, 4, apart);
    const back = dh + (first / block) * (backUnits(block) << 2);
    for (let u: usize = 0; u < block; u += 4) {
      const unit = (first + u) << 2;
      const left = block - u;
      const at = rowsAt(0, first, block, 4, bytes) + (u << 4);
      const gains = p + at;
      const out = joined(
        input + (u << 4) + 48, zMean, zScale, recurrent + (u << 4) + 48, sMean, sScale, gains + ldp + 48, ldp,
      );
      const o = sigmoid(out, table);
      const cell = keepLanes(v128.load(c + unit), left, f32x4.splat(0));
      const gain = v128.load(gains + 4 * ldp);
      const t = tanh(normal(cell, mean, scale, gain, v128.load(gains + 4 * ldp, 16)), table);
      const d = f32x4.add(v128.load(dy + unit), v128.load(back + (u << 2)));
      const through = f32x4.mul(d, o);
      const dt = keepLanes(f32x4.mul(through, f32x4.sub(one, f32x4.mul(t, t))), left, f32x4.splat(0));
      const n0 = centred(low(cell), mean, scale);
      const n1 = centred(high(cell), mean, scale);
      const d0 = f64x2.mul(low(dt), low(gain));
      const d1 = f64x2.mul(high(dt), high(gain));
      sum = f64x2.add(sum, f64x2.add(d0, d1));
      product = f64x2.add(product, f64x2.add(f64x2.mul(d0, n0), f64x2.mul(d1, n1)));
      addProduct(dGain + at, dt, n0, n1);
      addTo(dBias + at + 16, dt);
      v128.store(row + at, dt);
      storePadded(row + at + 48, f32x4.mul(f32x4.mul(through, t), f32x4.sub(one, o)), left);
      v128.store(back + (u << 2), f32x4.splat(0));
    }
  }
  const usual = f64x2.splat(bothLanes(sum) / <f64>units);
  const along = f64x2.splat(bothLanes(product) / <f64>units);
  const factor = f64x2.splat(scale);
  for (let first: usize = 0; first < units; first += block) {
    const input = rowsAt(z, first, block, 4, apart);
    const recurrent = rowsAt(s, first, block, 4, apart);
    const carry = dc + (first / block) * (backUnits(block) << 2);
    for (let u: usize = 0; u < block; u += 4) {
      const unit = (first + u) << 2;
      const left = block - u;
      const at = rowsAt(0, first, block, 4, bytes) + (u << 4);
      const from = input + (u << 4);
      const other = recurrent + (u << 4);
      const gains = p + ldp + at;
      const i = sigmoid(joined(from, zMean, zScale, other, sMean, sScale, gains, ldp), table);
      const f = sigmoid(joined(from + 16, zMean, zScale, other + 16, sMean, sScale, gains + 16, ldp), table);
      const g = tanh(joined(from + 32, zMean, zScale, other + 32, sMean, sScale, gains + 32, ldp), table);
      const cell = v128.load(c + unit);
      const dt = v128.load(row + at);
      const gain = v128.load(p + 4 * ldp + at);
      const n0 = centred(low(cell), mean, scale);
      const n1 = centred(high(cell), mean, scale);
      const a = f64x2.sub(f64x2.sub(f64x2.mul(low(dt), low(gain)), usual), f64x2.mul(n0, along));
      const b = f64x2.sub(f64x2.sub(f64x2.mul(high(dt), high(gain)), usual), f64x2.mul(n1, along));
      const e = f32x4.add(v128.load(carry + (u << 2)), rounded(f64x2.mul(a, factor), f64x2.mul(b, factor)));
      const taken = f32x4.mul(e, i);
      const kept = f32x4.mul(e, f);
      storePadded(row + at, f32x4.mul(f32x4.mul(taken, g), f32x4.sub(one, i)), left);
      storePadded(row + at + 16, f32x4.mul(f32x4.mul(kept, v128.load(before + unit)), f32x4.sub(one, f)), left);
      storePadded(row + at + 32, f32x4.mul(taken, f32x4.sub(one, f32x4.mul(g, g))), left);
      v128.store(carry + (u << 2), kept);
    }
  }
}
