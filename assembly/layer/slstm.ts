import { apartOf } from '../cell/parameters';
import { slstm_cell_f32 } from '../cell/slstm';
import { recur } from './recur';
import { groupsOf, rowsOf } from './shape';
import { ended, zero } from './stream';

/**
 * One step of an sLSTM: z += W_hh h, then (z, c, n, m) → (c, n, m, y). n and m lie behind c, each as far as the layer's
 * parameters say; other arguments as in recurrent_step_f32.
 */
export function slstm_step_f32(
  y: usize, ldy: usize, h: usize, ldh: usize, c: usize, ldc: usize, z: usize, whh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool, u0: usize, u1: usize,
): void {
  const ldz = rowsOf(units, 4) << 2;
  const row = groupsOf(u0) << 6;
  const apart = apartOf(table);
  recur(z + row, ldz, z + row, ldz, h, ldh, whh, batch, units, diagonal, u0, u1, 4);
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy + (u0 << 2);
    const own = c + b * ldc + (u0 << 2);
    if (ended(lengths, b, time)) zero(to, u1 - u0);
    else slstm_cell_f32(to, own, own + apart, own + 2 * apart, z + b * ldz + row, table, u1 - u0);
  }
}
