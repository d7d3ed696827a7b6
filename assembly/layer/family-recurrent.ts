import { blockOf } from '../cell/parameters';
import { gemm_f32 } from '../gemm/gemm';
import { windows_f32 } from '../gemm/windows';
import {
  familyPhases, familyRows, GRU_AFTER_GENERAL, GRU_BEFORE_GENERAL, GRU_NORMED, isNormed, isPointwise, LSTM_GENERAL,
  LSTM_NORMED, LSTM_PROJECTED, SLSTM,
} from './family-cells';
import { elman_general_step_f32, gru_after_general_step_f32, gru_before_general_step_f32, lstm_general_step_f32 } from './general';
import { gru_normed_step_f32 } from './gru-normed';
import { lstm_normed_step_f32 } from './lstm-normed';
import { pointwise_step_f32 } from './pointwise';
import { lstm_projected_step_f32 } from './projected';
import { slstm_step_f32 } from './slstm';

/**
 * One phase of a step of units [u0, u1) of one part of a layer of the family; arguments as in recurrent_step_f32, except
 * that table is the layer's own constants and parameters, bhh are the peepholes of an LSTM that has them, and one that
 * projects its output has one part, y [B, P] and h [B, P]. One that is normalised has one part, too, z and s are of all
 * its units, and where it has several blocks u0 and u1 lie between two. Not of the cells that recur pointwise alone.
 */
export function family_step_f32(
  cell: usize, y: usize, ldy: usize, h: usize, ldh: usize, c: usize, ldc: usize, z: usize, s: usize,
  whh: usize, bhh: usize, table: usize, lengths: usize, time: usize, batch: usize, units: usize, diagonal: bool, u0: usize, u1: usize, phase: usize,
): void {
  if (cell == LSTM_GENERAL) {
    lstm_general_step_f32(y, ldy, h, ldh, c, ldc, z, whh, bhh, table, lengths, time, batch, units, diagonal, u0, u1);
  } else if (cell == GRU_AFTER_GENERAL) {
    gru_after_general_step_f32(y, ldy, h, ldh, z, s, whh, bhh, table, lengths, time, batch, units, diagonal, u0, u1);
  } else if (cell == GRU_BEFORE_GENERAL) {
    gru_before_general_step_f32(y, ldy, h, ldh, z, s, whh, table, lengths, time, batch, units, diagonal, u0, u1, phase);
  } else if (cell == LSTM_PROJECTED) {
    lstm_projected_step_f32(y, ldy, h, ldh, c, ldc, z, s, whh, bhh, table, lengths, time, batch, units, u0, u1, phase);
  } else if (cell == LSTM_NORMED) {
    lstm_normed_step_f32(y, ldy, h, ldh, c, ldc, z, s, whh, bhh, table, lengths, time, batch, units, diagonal, u0, u1, phase);
  } else if (cell == GRU_NORMED) {
    gru_normed_step_f32(y, ldy, h, ldh, z, s, whh, bhh, table, lengths, time, batch, units, diagonal, u0, u1, phase);
  } else if (cell == SLSTM) {
    slstm_step_f32(y, ldy, h, ldh, c, ldc, z, whh, table, lengths, time, batch, units, diagonal, u0, u1);
  } else {
    elman_general_step_f32(y, ldy, h, ldh, z, whh, table, lengths, time, batch, units, diagonal, u0, u1);
  }
}

/** Rows of a part, which has several blocks where all units meet. */
// @ts-ignore: decorator
@inline
function rowsOfPart(cell: usize, units: usize, table: usize): usize {
  if (!isNormed(cell)) return familyRows(cell, units);
  const block = blockOf(table);
  return (units / block) * familyRows(cell, block);
}

/** T steps of parts [n0, n1) of a layer of the family, in the order and with the arguments of recurrent_f32. */
export function family_recurrent_f32(
  cell: usize, y: usize, ldy: usize, h: usize, c: usize, lds: usize, x: usize, ldx: usize, windows: usize, z: usize,
  wih: usize, bih: usize, whh: usize, bhh: usize, table: usize, lengths: usize, t0: usize, steps: usize, batch: usize,
  inputs: usize, hidden: usize, units: usize, diagonal: bool, tile: usize, n0: usize, n1: usize,
): void {
  const phases = familyPhases(cell);
  const partRowBytes = rowsOfPart(cell, units, table) << 2;
  for (let n = n0; n < n1; n++) {
    const first = n * units;
    const count = min(units, hidden - first);
    const rows = rowsOfPart(cell, count, table);
    const ldz = rows << 2;
    const offset = first << 2;
    const bias = n * partRowBytes;
    const recurrent = diagonal ? bias : bias * units;
    for (let t: usize = 0; t < steps; t += tile) {
      const some = min(tile, steps - t);
      const s = z + some * batch * ldz;
      const from = x + t * batch * ldx;
      const weights = wih + bias * inputs;
      if (windows) {
        windows_f32(z, ldz, bih + bias, 0, from, ldx, windows + (bias >> 3), weights, some * batch, inputs, rows >> 3);
      } else {
        gemm_f32(z, ldz, bih + bias, 0, from, ldx, weights, some * batch, inputs, rows >> 3);
      }
      for (let k: usize = t; k < t + some; k++) {
        const out = y + k * batch * ldy + offset;
        const before = k ? out - batch * ldy : h + offset;
        const at = z + (k - t) * batch * ldz;
        if (isPointwise(cell)) {
          const own = x + k * batch * ldx + offset;
          pointwise_step_f32(cell, out, ldy, c + offset, lds, at, bhh + bias, own, ldx, table, lengths, t0 + k, batch, count);
          continue;
        }
        for (let phase: usize = 0; phase < phases; phase++) {
          family_step_f32(
            cell, out, ldy, before, k ? ldy : lds, c + offset, lds, at, s,
            whh + recurrent, bhh + bias, table, lengths, t0 + k, batch, count, diagonal, 0, count, phase,
          );
        }
      }
    }
  }
}
