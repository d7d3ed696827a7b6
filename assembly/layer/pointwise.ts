import { qrnn_cell_f32 } from '../cell/qrnn';
import { sru_cell_f32 } from '../cell/sru';
import { QRNN, SRU_WIDENED } from './family-cells';
import { rowsOf } from './shape';
import { ended, zero } from './stream';

/**
 * One step of a part of a layer whose units recur alone and without a matrix: (z, c) → (c, y).
 * v: of an SRU, weights of c, where the part's rows have the gates that they belong to · x: [B] the layer's input at
 * the part's first unit; other arguments as in recurrent_step_f32.
 */
export function pointwise_step_f32(
  cell: usize, y: usize, ldy: usize, c: usize, ldc: usize, z: usize, v: usize, x: usize, ldx: usize, table: usize,
  lengths: usize, time: usize, batch: usize, units: usize,
): void {
  const gates: usize = cell == SRU_WIDENED ? 4 : 3;
  const ldz = rowsOf(units, gates) << 2;
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy;
    const own = c + b * ldc;
    if (ended(lengths, b, time)) zero(to, units);
    else if (cell == QRNN) qrnn_cell_f32(to, own, z + b * ldz, table, units);
    else sru_cell_f32(to, own, z + b * ldz, v, x + b * ldx, table, units, gates);
  }
}
