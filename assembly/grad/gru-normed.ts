import { epsilonOf } from '../cell/parameters';
import { half, normedUnits } from '../layer/gru-normed';
import { blockBytes, meanOf, recurBlocks, rowBytes, rowsAt, scaleOf } from '../layer/normed';
import { ended, zero } from '../layer/stream';
import { sigmoid, tanh } from '../math/gates';
import { ONE } from '../math/table';
import { storePadded } from '../simd/lanes';
import { madd } from '../simd/madd';
import { clearBlocks, normedRowsBack, recurBlocksBack } from './normed';
import { backUnits } from './recur-back';

/**
 * One step on tape of all units of a GRU with layer normalisation, whose equations are in layer/gru-normed.ts. Rows stay as
 * they are before their normalisation, and the way back takes means and gates anew.
 *
 * Arguments as in lstm_normed_tape_step_f32.
 */
export function gru_normed_tape_step_f32(
  y: usize, h: usize, ldy: usize, z: usize, s: usize, apart: usize, whh: usize, p: usize, table: usize, lengths: usize,
  time: usize, batch: usize, units: usize, block: usize, diagonal: bool,
): void {
  const ldz = blockBytes(block, 3);
  const ldp = rowBytes(units, block, 3);
  recurBlocks(s, ldz, apart, p, h, ldy, whh, batch, block, diagonal, 0, units, 3);
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy;
    if (ended(lengths, b, time)) zero(to, units);
    else normedUnits(to, h + b * ldy, z + b * ldz, s + b * ldz, apart, p, ldp, table, units, block, 0, units);
  }
}

/**
 * The same step backwards. With d = dy + dh, the sums a and s of the halves, and what normed.ts says of a normalisation:
 *
 *   da_n = d (1 − u) (1 − n²)   da_r = da_n s_n r (1 − r)   da_u = d (h − n) u (1 − u)        dh' = d u
 *   ds_n = da_n r               ds_r = da_r                 ds_u = da_u
 *
 * and da and ds go on through their normalisations.
 *
 * row: scratch for da and ds, two vectors of rows · sums: [4][B] vectors of rows: of gain_ih, of gain_hh, of bias_ih, of
 * bias_hh · others as in lstm_normed_back_step_f32
 */
export function gru_normed_back_step_f32(
  dy: usize, lddy: usize, h: usize, ldy: usize, z: usize, s: usize, apart: usize, dh: usize, ldh: usize, row: usize, sums: usize,
  lds: usize, whhT: usize, p: usize, table: usize, lengths: usize, time: usize, batch: usize, units: usize, block: usize,
  diagonal: bool,
): void {
  const ldz = blockBytes(block, 3);
  const ldp = rowBytes(units, block, 3);
  const epsilon = epsilonOf(table);
  for (let b: usize = 0; b < batch; b++) {
    const input = z + b * ldz;
    const recurrent = s + b * ldz;
    if (ended(lengths, b, time)) {
      clearBlocks(input, apart, units, block, 3);
      clearBlocks(recurrent, apart, units, block, 3);
      continue;
    }
    const zMean = meanOf(input, apart, units, block, 3);
    const zScale = scaleOf(input, apart, units, block, 3, zMean, epsilon);
    const sMean = meanOf(recurrent, apart, units, block, 3);
    const sScale = scaleOf(recurrent, apart, units, block, 3, sMean, epsilon);
    backUnitsOf(
      row, dy + b * lddy, dh + b * ldh, h + b * ldy, input, recurrent, apart, zMean, zScale, sMean, sScale, p, ldp, table, units,
      block,
    );
    const own = sums + b * ldp;
    normedRowsBack(input, apart, row, p + ldp, own, own + 2 * lds, units, block, 3, zMean, zScale);
    normedRowsBack(recurrent, apart, row + ldp, p + 2 * ldp, own + lds, own + 3 * lds, units, block, 3, sMean, sScale);
  }
  if (time) recurBlocksBack(dh, ldh, s, apart, whhT, batch, units, block, diagonal, 3);
}

/** da and ds of one stream into row; dh: replaced by what goes past the product. Others as above. */
function backUnitsOf(
  row: usize, dy: usize, dh: usize, h: usize, z: usize, s: usize, apart: usize, zMean: f64, zScale: f64, sMean: f64,
  sScale: f64, p: usize, ldp: usize, table: usize, units: usize, block: usize,
): void {
  const one = v128.load(table, ONE);
  for (let first: usize = 0; first < units; first += block) {
    let input = rowsAt(z, first, block, 3, apart);
    let recurrent = rowsAt(s, first, block, 3, apart);
    const own = rowsAt(0, first, block, 3, blockBytes(block, 3));
    let inGains = p + ldp + own;
    let to = row + own;
    const back = dh + (first / block) * (backUnits(block) << 2);
    for (let u: usize = 0; u < block; u += 4) {
      const unit = (first + u) << 2;
      const left = block - u;
      const outGains = inGains + ldp;
      const ar = half(input, zMean, zScale, inGains, ldp);
      const au = half(input + 16, zMean, zScale, inGains + 16, ldp);
      const an = half(input + 32, zMean, zScale, inGains + 32, ldp);
      const sr = half(recurrent, sMean, sScale, outGains, ldp);
      const su = half(recurrent + 16, sMean, sScale, outGains + 16, ldp);
      const sn = half(recurrent + 32, sMean, sScale, outGains + 32, ldp);
      const reset = sigmoid(f32x4.add(ar, sr), table);
      const update = sigmoid(f32x4.add(au, su), table);
      const fresh = tanh(madd(reset, sn, an), table);
      const d = f32x4.add(v128.load(dy + unit), v128.load(back + (u << 2)));
      const stays = f32x4.sub(one, update);
      const dn = f32x4.mul(f32x4.mul(d, stays), f32x4.sub(one, f32x4.mul(fresh, fresh)));
      const kept = f32x4.mul(d, update);
      const scaled = f32x4.mul(dn, reset);
      const dr = f32x4.mul(f32x4.mul(scaled, sn), f32x4.sub(one, reset));
      const du = f32x4.mul(f32x4.mul(kept, f32x4.sub(v128.load(h + unit), fresh)), stays);
      storePadded(to, dr, left);
      storePadded(to + 16, du, left);
      storePadded(to + 32, dn, left);
      storePadded(to + ldp, dr, left);
      storePadded(to + ldp + 16, du, left);
      storePadded(to + ldp + 32, scaled, left);
      v128.store(back + (u << 2), kept);
      input += 48;
      recurrent += 48;
      inGains += 48;
      to += 48;
    }
  }
}
