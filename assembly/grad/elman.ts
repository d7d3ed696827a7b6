import { elman_relu_cell_f32, elman_tanh_cell_f32 } from '../cell/elman';
import { recur } from '../layer/recur';
import { rowsOf } from '../layer/shape';
import { ended, zero } from '../layer/stream';
import { ONE } from '../math/table';
import { storePadded } from '../simd/lanes';
import { clearPadding, recurBack } from './recur-back';

/**
 * The derivative of h' = tanh(z) by its value: dz = (dy + dh) (1 − y²), and nothing is left in dh but what the recurrent
 * product will bring. z: [⌈units/4⌉·4] written · dh: [⌈units/4⌉·4] from the step after, replaced by 0
 * dy, y: [units], read a vector at a time; what lies past them changes nothing · table: the constants
 */
export function elman_tanh_back_cell_f32(z: usize, dh: usize, dy: usize, y: usize, table: usize, units: usize): void {
  const one = v128.load(table, ONE);
  for (let i: usize = 0; i < units << 2; i += 16) {
    const d = f32x4.add(v128.load(dy + i), v128.load(dh + i));
    const value = v128.load(y + i);
    storePadded(z + i, f32x4.mul(d, f32x4.sub(one, f32x4.mul(value, value))), units - (i >> 2));
    v128.store(dh + i, f32x4.splat(0));
  }
}

/** The same of h' = max(z, 0): dz = dy + dh where y > 0, else 0. */
export function elman_relu_back_cell_f32(z: usize, dh: usize, dy: usize, y: usize, units: usize): void {
  for (let i: usize = 0; i < units << 2; i += 16) {
    const d = f32x4.add(v128.load(dy + i), v128.load(dh + i));
    storePadded(z + i, v128.and(d, f32x4.gt(v128.load(y + i), f32x4.splat(0))), units - (i >> 2));
    v128.store(dh + i, f32x4.splat(0));
  }
}

/** One step of an Elman layer on tape: y is all that the way back needs. Arguments as in lstm_tape_step_f32. */
export function elman_tape_step_f32(
  y: usize, h: usize, ldy: usize, z: usize, whh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool, rectify: bool,
): void {
  const ldz = rowsOf(units, 1) << 2;
  recur(z, ldz, z, ldz, h, ldy, whh, batch, units, diagonal, 0, units, 1);
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy;
    if (ended(lengths, b, time)) zero(to, units);
    else if (rectify) elman_relu_cell_f32(to, z + b * ldz, units);
    else elman_tanh_cell_f32(to, z + b * ldz, table, units);
  }
}

/** The same step backwards. Arguments as in lstm_back_step_f32. */
export function elman_back_step_f32(
  dy: usize, lddy: usize, y: usize, ldy: usize, z: usize, dh: usize, ldh: usize, whhT: usize, table: usize,
  lengths: usize, time: usize, batch: usize, units: usize, diagonal: bool, rectify: bool,
): void {
  const ldz = rowsOf(units, 1) << 2;
  for (let b: usize = 0; b < batch; b++) {
    const to = z + b * ldz;
    if (ended(lengths, b, time)) {
      zero(to, ldz >> 2);
      continue;
    }
    if (rectify) elman_relu_back_cell_f32(to, dh + b * ldh, dy + b * lddy, y + b * ldy, units);
    else elman_tanh_back_cell_f32(to, dh + b * ldh, dy + b * lddy, y + b * ldy, table, units);
    clearPadding(to, units, 1);
  }
  if (time) recurBack(dh, ldh, z, ldz, whhT, batch, units, diagonal, 1);
}
