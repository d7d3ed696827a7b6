import { elman_relu_cell_f32, elman_tanh_cell_f32 } from '../cell/elman';
import { gru_after_cell_f32, gru_before_cell_f32, gru_before_reset_f32 } from '../cell/gru';
import { lstm_cell_f32 } from '../cell/lstm';
import { diagonal_f32 } from '../gemm/diagonal';
import { ELMAN_RELU, GRU_AFTER, GRU_BEFORE, LSTM } from '../layer/cells';
import { groupsOf, rowsOf } from '../layer/shape';
import { ended, zero } from '../layer/stream';
import { strips_f32 } from './strips';

/** out = init + W h for units [u0, u1): first the diagonal, where it is kept, then the strips. */
// @ts-ignore: decorator
@inline
function recur(
  out: usize, ldo: usize, init: usize, ldi: usize, h: usize, ldh: usize,
  starts: usize, columns: usize, values: usize, diagonal: usize, height: usize,
  batch: usize, u0: usize, u1: usize, gates: usize,
): void {
  if (diagonal) {
    const w = diagonal + ((groupsOf(u0) * gates) << 4);
    for (let b: usize = 0; b < batch; b++) {
      diagonal_f32(out + b * ldo, init + b * ldi, h + b * ldh + (u0 << 2), w, groupsOf(u1 - u0), gates);
    }
    init = out;
    ldi = ldo;
  }
  const row = u0 / height;
  const count = (u1 - u0 + height - 1) / height;
  strips_f32(out, ldo, init, ldi, h, ldh, starts + ((row * gates) << 2), columns, values, batch, count, gates, height);
}

/**
 * One phase of a step of units [u0, u1) of a layer whose recurrent weights are strips (strips.ts); the input half stands
 * in z already. Beside the strips, arguments are those of recurrent_step_f32, and the rows of pre-activations lie as
 * they do there, for so many units as whole strips cover.
 *
 * starts, columns, values, height: the strips; where there are two phases, the second's rows of strips stand behind
 * the first's · diagonal: [rows], by the places of the rows, or 0 · units: H
 * u0: a multiple of 8 and of height; u1: too, or units
 */
export function recurrent_strips_step_f32(
  cell: usize, y: usize, ldy: usize, h: usize, ldh: usize, c: usize, ldc: usize, z: usize, s: usize,
  starts: usize, columns: usize, values: usize, diagonal: usize, height: usize, bhh: usize, table: usize,
  lengths: usize, time: usize, batch: usize, units: usize, u0: usize, u1: usize, phase: usize,
): void {
  const count = u1 - u0;
  const first = u0 << 2;
  const rowsOfStrips = (units + height - 1) / height;
  const covered = rowsOfStrips * height;
  if (cell == GRU_BEFORE) {
    const gateRows = rowsOf(covered, 2);
    const ldz = (gateRows + rowsOf(covered, 1)) << 2;
    const ldq = groupsOf(units) << 4;
    const gates = z + (groupsOf(u0) << 5);
    if (phase == 0) {
      recur(gates, ldz, gates, ldz, h, ldh, starts, columns, values, diagonal, height, batch, u0, u1, 2);
      for (let b: usize = 0; b < batch; b++) {
        gru_before_reset_f32(s + b * ldq + first, h + b * ldh + first, gates + b * ldz, table, count);
      }
      return;
    }
    const candidate = z + (gateRows << 2) + (groupsOf(u0) << 4);
    const own = diagonal ? diagonal + (gateRows << 2) : 0;
    const behind = starts + (rowsOfStrips << 3);
    recur(candidate, ldz, candidate, ldz, s, ldq, behind, columns, values, own, height, batch, u0, u1, 1);
    for (let b: usize = 0; b < batch; b++) {
      const to = y + b * ldy + first;
      if (ended(lengths, b, time)) zero(to, count);
      else gru_before_cell_f32(to, h + b * ldh + first, gates + b * ldz, candidate + b * ldz, table, count);
    }
    return;
  }
  const gates: usize = cell == LSTM ? 4 : cell == GRU_AFTER ? 3 : 1;
  const ldz = rowsOf(covered, gates) << 2;
  const row = (groupsOf(u0) * gates) << 4;
  const pre = z + row;
  const sum = cell == GRU_AFTER ? s + row : pre;
  const init = cell == GRU_AFTER ? bhh + row : pre;
  const ldi: usize = cell == GRU_AFTER ? 0 : ldz;
  recur(sum, ldz, init, ldi, h, ldh, starts, columns, values, diagonal, height, batch, u0, u1, gates);
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy + first;
    if (ended(lengths, b, time)) zero(to, count);
    else if (cell == LSTM) lstm_cell_f32(to, c + b * ldc + first, pre + b * ldz, table, count);
    else if (cell == GRU_AFTER) {
      gru_after_cell_f32(to, h + b * ldh + first, pre + b * ldz, sum + b * ldz, table, count);
    } else if (cell == ELMAN_RELU) elman_relu_cell_f32(to, pre + b * ldz, count);
    else elman_tanh_cell_f32(to, pre + b * ldz, table, count);
  }
}
