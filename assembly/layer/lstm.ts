import { lstm_cell_f32 } from '../cell/lstm';
import { groupsOf, rowsOf } from './shape';
import { ended, zero } from './stream';
import { recur } from './recur';

/** One step of an LSTM: z += W_hh h, then (z, c) → (c, y). Arguments as in recurrent_step_f32. */
export function lstm_step_f32(
  y: usize, ldy: usize, h: usize, ldh: usize, c: usize, ldc: usize, z: usize, whh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool, u0: usize, u1: usize,
): void {
  const ldz = rowsOf(units, 4) << 2;
  const row = groupsOf(u0) << 6;
  recur(z + row, ldz, z + row, ldz, h, ldh, whh, batch, units, diagonal, u0, u1, 4);
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy + (u0 << 2);
    if (ended(lengths, b, time)) zero(to, u1 - u0);
    else lstm_cell_f32(to, c + b * ldc + (u0 << 2), z + b * ldz + row, table, u1 - u0);
  }
}
