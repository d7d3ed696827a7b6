import { gru_after_cell_f32, gru_before_cell_f32, gru_before_reset_f32 } from '../cell/gru';
import { groupsOf, rowsOf } from './shape';
import { ended, zero } from './stream';
import { recur } from './recur';

/**
 * One step of a GRU that resets after the product: s = bias_hh + W_hh h, then (z, s, h) → y.
 * s: scratch [B][rows] · bhh: [rows]. Other arguments as in recurrent_step_f32.
 */
export function gru_after_step_f32(
  y: usize, ldy: usize, h: usize, ldh: usize, z: usize, s: usize, whh: usize, bhh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool, u0: usize, u1: usize,
): void {
  const ldz = rowsOf(units, 3) << 2;
  const row = groupsOf(u0) * 48;
  recur(s + row, ldz, bhh + row, 0, h, ldh, whh, batch, units, diagonal, u0, u1, 3);
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy + (u0 << 2);
    if (ended(lengths, b, time)) zero(to, u1 - u0);
    else gru_after_cell_f32(to, h + b * ldh + (u0 << 2), z + b * ldz + row, s + b * ldz + row, table, u1 - u0);
  }
}

/**
 * One phase of a step of a GRU that resets before the product, because the candidate of each unit reads the reset
 * state of all. Phase 0: z[r, z] += W h; q = σ(r) h. Phase 1: z[n] += W_n q; then y. A part's rows are those of r and
 * z, then those of n; q: scratch [B][⌈units/4⌉·4] of the whole part. Other arguments as in recurrent_step_f32.
 */
export function gru_before_step_f32(
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
      gru_before_reset_f32(q + b * ldq + first, h + b * ldh + first, gates + b * ldz, table, u1 - u0);
    }
    return;
  }
  const candidate = z + (gateRows << 2) + (groupsOf(u0) << 4);
  const skipped = diagonal ? gateRows : gateRows * units;
  recur(candidate, ldz, candidate, ldz, q, ldq, whh + (skipped << 2), batch, units, diagonal, u0, u1, 1);
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy + first;
    if (ended(lengths, b, time)) zero(to, u1 - u0);
    else gru_before_cell_f32(to, h + b * ldh + first, gates + b * ldz, candidate + b * ldz, table, u1 - u0);
  }
}
