import { gemm_f32 } from '../gemm/gemm';
import { windows_f32 } from '../gemm/windows';
import { ELMAN_RELU, GRU_AFTER, GRU_BEFORE, LSTM, partRows, phasesOf } from './cells';
import { elman_relu_diagonal_f32, elman_step_f32 } from './elman';
import { gru_after_step_f32, gru_before_step_f32 } from './gru';
import { lstm_step_f32 } from './lstm';

/**
 * One phase of a step of units [u0, u1) of one part, whose input half already stands in z.
 *
 * y: [B] outputs of the part · h: [B] the state before, not y · c: [B] an LSTM's cell state, read and written
 * z: [B][rows] pre-activations, overwritten · s: scratch [B][rows] for the GRUs
 * whh, bhh: the part's recurrent weights and bias · lengths: [B] or 0 · time: this step's number
 * ld*: row strides in bytes · units: of the part · diagonal: each unit reads itself alone
 * u0: a multiple of 8; u1: too, or the part's end · phase: 0, for a GRU that resets before also 1, and then s is one
 * scratch for the whole part
 */
export function recurrent_step_f32(
  cell: usize, y: usize, ldy: usize, h: usize, ldh: usize, c: usize, ldc: usize, z: usize, s: usize,
  whh: usize, bhh: usize, table: usize, lengths: usize, time: usize, batch: usize, units: usize, diagonal: bool, u0: usize, u1: usize, phase: usize,
): void {
  if (cell == LSTM) {
    lstm_step_f32(y, ldy, h, ldh, c, ldc, z, whh, table, lengths, time, batch, units, diagonal, u0, u1);
  } else if (cell == GRU_AFTER) {
    gru_after_step_f32(y, ldy, h, ldh, z, s, whh, bhh, table, lengths, time, batch, units, diagonal, u0, u1);
  } else if (cell == GRU_BEFORE) {
    gru_before_step_f32(y, ldy, h, ldh, z, s, whh, table, lengths, time, batch, units, diagonal, u0, u1, phase);
  } else {
    elman_step_f32(y, ldy, h, ldh, z, whh, table, lengths, time, batch, units, diagonal, u0, u1, cell == ELMAN_RELU);
  }
}

/**
 * T steps of parts [n0, n1) of a recurrent layer: input projection, recurrence, pointwise half. Part by part,
 * so that a part's weights stay in cache for the whole sequence, and in tiles of a few steps, so that its
 * pre-activations do.
 *
 * y: [T, B, H] · h: [B, H] the state before step 0, not written (see keep_state_f32) · c: [B, H] or unused
 * x: [T, B, I] · windows: where each panel of a part reads its inputs, [parts][rows/8], as in windows_f32; 0: all of x
 * z: scratch [(tile + 1)·B][rows]
 * wih: [parts] panels [rows/8][I, or K][8] · bih: [parts][rows] · whh: [parts] panels [rows/8][units][8] or
 * diagonals [rows] · bhh: [parts][rows], read by the GRU that resets after · lengths: [B] or 0
 * t0: number of the first step · steps, batch, inputs, hidden: T, B, I, or K with windows, and H
 * units: of each part but a diagonal layer's last, which has what is left · tile: steps per tile
 */
export function recurrent_f32(
  cell: usize, y: usize, ldy: usize, h: usize, c: usize, lds: usize, x: usize, ldx: usize, windows: usize, z: usize,
  wih: usize, bih: usize, whh: usize, bhh: usize, table: usize, lengths: usize, t0: usize, steps: usize, batch: usize,
  inputs: usize, hidden: usize, units: usize, diagonal: bool, tile: usize, n0: usize, n1: usize,
): void {
  const phases = phasesOf(cell);
  const partRowBytes = partRows(cell, units) << 2;
  for (let n = n0; n < n1; n++) {
    const first = n * units;
    const count = min(units, hidden - first);
    const rows = partRows(cell, count);
    const offset = first << 2;
    const bias = n * partRowBytes;
    const recurrent = diagonal ? bias : bias * units;
    for (let t: usize = 0; t < steps; t += tile) {
      const some = min(tile, steps - t);
      const ldz = rows << 2;
      const s = z + some * batch * ldz;
      const from = x + t * batch * ldx;
      const weights = wih + bias * inputs;
      if (windows) {
        windows_f32(z, ldz, bih + bias, 0, from, ldx, windows + (bias >> 3), weights, some * batch, inputs, rows >> 3);
      } else {
        gemm_f32(z, ldz, bih + bias, 0, from, ldx, weights, some * batch, inputs, rows >> 3);
      }
      if (diagonal && cell == ELMAN_RELU) {
        const to = y + t * batch * ldy + offset;
        const before = t ? to - batch * ldy : h + offset;
        elman_relu_diagonal_f32(
          to, ldy, before, t ? ldy : lds, z, ldz, whh + recurrent, lengths, t0 + t, some, batch, count,
        );
        continue;
      }
      for (let k: usize = t; k < t + some; k++) {
        const out = y + k * batch * ldy + offset;
        const before = k ? out - batch * ldy : h + offset;
        for (let phase: usize = 0; phase < phases; phase++) {
          recurrent_step_f32(
            cell, out, ldy, before, k ? ldy : lds, c + offset, lds, z + (k - t) * batch * ldz, s,
            whh + recurrent, bhh + bias, table, lengths, t0 + k, batch, count, diagonal, 0, count, phase,
          );
        }
      }
    }
  }
}
