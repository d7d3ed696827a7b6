import { GRU_NORMED, familyRows } from '../layer/family-cells';
import { gru_normed_back_step_f32, gru_normed_tape_step_f32 } from './gru-normed';
import { lstm_normed_back_step_f32, lstm_normed_tape_step_f32 } from './lstm-normed';
import { backUnits } from './recur-back';

/**
 * T steps of streams [b0, b1) of a layer whose units meet in each step, all of them, with all that the way back reads left
 * behind.
 *
 * y: [T+1, B, H], slot 0 the state before step 0 · c: the same of an LSTM's cell state · z: [blocks][T·B][rows] W_ih x, left
 * as it is · s: the same shape, left: W_hh h · whh: [blocks] panels [rows/8][units][8] or diagonals [rows] · p: vectors of
 * rows [blocks][rows], as the step of inference has them · units: of each block, all of them where the layer is diagonal
 * table: the layer's own · others as in recurrent_tape_f32
 */
export function normed_tape_f32(
  cell: usize, y: usize, ldy: usize, c: usize, ldc: usize, z: usize, s: usize, whh: usize, p: usize, table: usize, lengths: usize,
  steps: usize, batch: usize, hidden: usize, units: usize, diagonal: bool, b0: usize, b1: usize,
): void {
  const ldz = familyRows(cell, units) << 2;
  const apart = steps * batch * ldz;
  const ends = lengths ? lengths + (b0 << 2) : 0;
  for (let t: usize = 0; t < steps; t++) {
    const row = t * batch + b0;
    const h = y + row * ldy;
    const out = h + batch * ldy;
    const zAt = z + row * ldz;
    const sAt = s + row * ldz;
    if (cell == GRU_NORMED) {
      gru_normed_tape_step_f32(
        out, h, ldy, zAt, sAt, apart, whh, p, table, ends, t, b1 - b0, hidden, units, diagonal,
      );
    } else {
      const before = c + row * ldc;
      lstm_normed_tape_step_f32(
        out, h, ldy, before + batch * ldc, before, ldc, zAt, sAt, apart, whh, p, table, ends, t, b1 - b0, hidden, units, diagonal,
      );
    }
  }
}

/**
 * The same T steps backwards: from dy to the gradients of W_ih x and W_hh h.
 *
 * dy: [T, B, H] gradient of each output · y, c, z, s: as normed_tape_f32 left them; z and s become the gradients, rows of
 * ended streams and all padding 0 · dh, dc: scratch [B][blocks][⌈units/8⌉·8] · row: scratch, two vectors of rows
 * sums: [vectors][B][blocks][rows], written for these streams: what comes to each of the layer's vectors of rows, in the order
 * of its tensors, summed over steps · whhT: [blocks] transposed recurrent weights, panels [⌈units/8⌉][rows][8], or diagonals
 * [rows] · others as above. Nothing goes into the state before step 0.
 */
export function normed_back_f32(
  cell: usize, dy: usize, lddy: usize, y: usize, ldy: usize, c: usize, ldc: usize, z: usize, s: usize, dh: usize, dc: usize,
  row: usize, sums: usize, whhT: usize, p: usize, table: usize, lengths: usize, steps: usize, batch: usize, hidden: usize,
  units: usize, diagonal: bool, b0: usize, b1: usize,
): void {
  const isGru = cell == GRU_NORMED;
  const streams = b1 - b0;
  const blocks = hidden / units;
  const ldz = familyRows(cell, units) << 2;
  const apart = steps * batch * ldz;
  const ldh = blocks * (backUnits(units) << 2);
  const lds = batch * blocks * ldz;
  const own = sums + b0 * blocks * ldz;
  const ends = lengths ? lengths + (b0 << 2) : 0;
  memory.fill(dh + b0 * ldh, 0, streams * ldh);
  if (!isGru) memory.fill(dc + b0 * ldh, 0, streams * ldh);
  const vectors: usize = isGru ? 4 : 5;
  for (let k: usize = 0; k < vectors; k++) memory.fill(own + k * lds, 0, streams * blocks * ldz);
  for (let t = steps; t-- > 0; ) {
    const first = t * batch + b0;
    const dyAt = dy + first * lddy;
    const zAt = z + first * ldz;
    const sAt = s + first * ldz;
    if (isGru) {
      gru_normed_back_step_f32(
        dyAt, lddy, y + first * ldy, ldy, zAt, sAt, apart, dh + b0 * ldh, ldh, row, own, lds, whhT, p, table, ends, t, streams,
        hidden, units, diagonal,
      );
    } else {
      const before = c + first * ldc;
      lstm_normed_back_step_f32(
        dyAt, lddy, before + batch * ldc, before, ldc, zAt, sAt, apart, dh + b0 * ldh, dc + b0 * ldh, ldh, row, own, lds, whhT, p,
        table, ends, t, streams, hidden, units, diagonal,
      );
    }
  }
}
