import { elman_relu_cell_f32, elman_tanh_cell_f32 } from '../cell/elman';
import { groupsOf, rowsOf } from './shape';
import { ended, zero } from './stream';
import { recur } from './recur';

/** One step of an Elman layer: y = f(z + W_hh h). Arguments as in recurrent_step_f32. */
export function elman_step_f32(
  y: usize, ldy: usize, h: usize, ldh: usize, z: usize, whh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool, u0: usize, u1: usize, rectify: bool,
): void {
  const ldz = rowsOf(units, 1) << 2;
  const row = groupsOf(u0) << 4;
  recur(z + row, ldz, z + row, ldz, h, ldh, whh, batch, units, diagonal, u0, u1, 1);
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy + (u0 << 2);
    if (ended(lengths, b, time)) zero(to, u1 - u0);
    else if (rectify) elman_relu_cell_f32(to, z + b * ldz + row, u1 - u0);
    else elman_tanh_cell_f32(to, z + b * ldz + row, table, u1 - u0);
  }
}
