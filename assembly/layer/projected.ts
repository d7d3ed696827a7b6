import { lstm_general_cell_f32 } from '../cell/lstm-general';
import { outputsOf, projectionOf } from '../cell/parameters';
import { gemm_f32 } from '../gemm/gemm';
import { recur } from './recur';
import { groupsOf, rowsOf } from './shape';
import { ended, zero } from './stream';
import { zoneout } from './zoneout';

/**
 * One phase of a step of an LSTM whose output is projected (Sak et al. 2014; torch.nn.LSTM with proj_size), because
 * each output reads all units. Phase 0: z += W_hh h, then (z, c) → (c, q). Phase 1: y = W_hr q.
 *
 * y, h: [B][P] · whh: panels [rows/8][P][8] · q: scratch of the whole layer: [B][⌈units/4⌉·4], and behind it
 * [B][⌈P/8⌉·8] · u0, u1: units in phase 0; in phase 1 the outputs are shared out as the units are
 * Other arguments as in lstm_general_step_f32; the layer is one part.
 */
export function lstm_projected_step_f32(
  y: usize, ldy: usize, h: usize, ldh: usize, c: usize, ldc: usize, z: usize, q: usize, whh: usize, p: usize, table: usize,
  lengths: usize, time: usize, batch: usize, units: usize, u0: usize, u1: usize, phase: usize,
): void {
  const outputs = outputsOf(table);
  const ldq = groupsOf(units) << 4;
  if (phase == 0) {
    const ldz = rowsOf(units, 4) << 2;
    const row = groupsOf(u0) << 6;
    recur(z + row, ldz, z + row, ldz, h, ldh, whh, batch, outputs, false, u0, u1, 4);
    for (let b: usize = 0; b < batch; b++) {
      if (ended(lengths, b, time)) continue;
      lstm_general_cell_f32(q + b * ldq + (u0 << 2), c + b * ldc + (u0 << 2), z + b * ldz + row, p + row, table, u1 - u0);
    }
    return;
  }
  const panels = (outputs + 7) >> 3;
  const spans = (units + 7) >> 3;
  const from = (u0 >> 3) * panels / spans;
  const to = u1 == units ? panels : (u1 >> 3) * panels / spans;
  if (from == to) return;
  const first = from << 5;
  const width = min(outputs, to << 3) - (from << 3);
  const weights = projectionOf(table);
  const zeros = weights + panels * (units << 5);
  const out = q + batch * ldq + first;
  const ldo = panels << 5;
  gemm_f32(out, ldo, zeros, 0, q, ldq, weights + from * (units << 5), batch, units, to - from);
  for (let b: usize = 0; b < batch; b++) {
    const at = y + b * ldy + first;
    if (ended(lengths, b, time)) {
      zero(at, width);
      continue;
    }
    memory.copy(at, out + b * ldo, width << 2);
    zoneout(at, h + b * ldh + first, table, width);
  }
}
