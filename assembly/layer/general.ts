import { elman_general_cell_f32 } from '../cell/elman-general';
import { gru_after_general_cell_f32, gru_before_general_cell_f32, gru_before_general_reset_f32 } from '../cell/gru-general';
import { lstm_general_cell_f32 } from '../cell/lstm-general';
import { recur } from './recur';
import { groupsOf, rowsOf } from './shape';
import { ended, zero } from './stream';
import { zoneout } from './zoneout';

/**
 * One step of an LSTM as ONNX has it: z += W_hh h, then (z, c) → (c, y). p: the part's peepholes, where its rows have
 * the gates that they belong to; other arguments as in recurrent_step_f32.
 */
export function lstm_general_step_f32(
  y: usize, ldy: usize, h: usize, ldh: usize, c: usize, ldc: usize, z: usize, whh: usize, p: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool, u0: usize, u1: usize,
): void {
  const ldz = rowsOf(units, 4) << 2;
  const row = groupsOf(u0) << 6;
  recur(z + row, ldz, z + row, ldz, h, ldh, whh, batch, units, diagonal, u0, u1, 4);
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy + (u0 << 2);
    if (ended(lengths, b, time)) {
      zero(to, u1 - u0);
      continue;
    }
    lstm_general_cell_f32(to, c + b * ldc + (u0 << 2), z + b * ldz + row, p + row, table, u1 - u0);
    zoneout(to, h + b * ldh + (u0 << 2), table, u1 - u0);
  }
}

/** One step of a GRU that resets after the product, as gru_after_step_f32 does it, with the layer's own functions. */
export function gru_after_general_step_f32(
  y: usize, ldy: usize, h: usize, ldh: usize, z: usize, s: usize, whh: usize, bhh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool, u0: usize, u1: usize,
): void {
  const ldz = rowsOf(units, 3) << 2;
  const row = groupsOf(u0) * 48;
  recur(s + row, ldz, bhh + row, 0, h, ldh, whh, batch, units, diagonal, u0, u1, 3);
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy + (u0 << 2);
    const own = h + b * ldh + (u0 << 2);
    if (ended(lengths, b, time)) {
      zero(to, u1 - u0);
      continue;
    }
    gru_after_general_cell_f32(to, own, z + b * ldz + row, s + b * ldz + row, table, u1 - u0);
    zoneout(to, own, table, u1 - u0);
  }
}

/** One phase of a GRU that resets before the product, as gru_before_step_f32 does it, with the layer's own functions. */
export function gru_before_general_step_f32(
  y: usize, ldy: usize, h: usize, ldh: usize, z: usize, q: usize, whh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool, u0: usize, u1: usize, phase: usize,
): void {
  const gateRows = rowsOf(units, 2);
  const ldz = (gateRows + rowsOf(units, 1)) << 2;
  const ldq = groupsOf(units) << 4;
  const first = u0 << 2;
  const gates = z + (groupsOf(u0) << 5);
  if (phase == 0) {
    recur(gates, ldz, gates, ldz, h, ldh, whh, batch, units, diagonal, u0, u1, 2);
    for (let b: usize = 0; b < batch; b++) {
      gru_before_general_reset_f32(q + b * ldq + first, h + b * ldh + first, gates + b * ldz, table, u1 - u0);
    }
    return;
  }
  const candidate = z + (gateRows << 2) + (groupsOf(u0) << 4);
  const skipped = diagonal ? gateRows : gateRows * units;
  recur(candidate, ldz, candidate, ldz, q, ldq, whh + (skipped << 2), batch, units, diagonal, u0, u1, 1);
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy + first;
    const own = h + b * ldh + first;
    if (ended(lengths, b, time)) {
      zero(to, u1 - u0);
      continue;
    }
    gru_before_general_cell_f32(to, own, gates + b * ldz, candidate + b * ldz, table, u1 - u0);
    zoneout(to, own, table, u1 - u0);
  }
}

/** One step of an Elman layer: y = f(z + W_hh h), f and its limit the layer's own. */
export function elman_general_step_f32(
  y: usize, ldy: usize, h: usize, ldh: usize, z: usize, whh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool, u0: usize, u1: usize,
): void {
  const ldz = rowsOf(units, 1) << 2;
  const row = groupsOf(u0) << 4;
  recur(z + row, ldz, z + row, ldz, h, ldh, whh, batch, units, diagonal, u0, u1, 1);
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy + (u0 << 2);
    if (ended(lengths, b, time)) {
      zero(to, u1 - u0);
      continue;
    }
    elman_general_cell_f32(to, z + b * ldz + row, table, u1 - u0);
    zoneout(to, h + b * ldh + (u0 << 2), table, u1 - u0);
  }
}
