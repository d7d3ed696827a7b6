import { outputsOf } from '../cell/parameters';
import { ELMAN_RELU, GRU_AFTER, GRU_BEFORE, LSTM, partRows } from '../layer/cells';
import {
  familyRows, GRU_AFTER_GENERAL, GRU_BEFORE_GENERAL, LSTM_GENERAL, LSTM_PROJECTED, SLSTM,
} from '../layer/family-cells';
import { groupsOf } from '../layer/shape';
import { elman_back_step_f32, elman_tape_step_f32 } from './elman';
import {
  elman_general_back_step_f32, elman_general_tape_step_f32, lstm_general_back_step_f32, lstm_general_tape_step_f32,
} from './general';
import { gru_after_back_step_f32, gru_after_tape_step_f32 } from './gru-after';
import { gru_before_back_step_f32, gru_before_tape_step_f32 } from './gru-before';
import {
  gru_after_general_back_step_f32, gru_after_general_tape_step_f32, gru_before_general_back_step_f32,
  gru_before_general_tape_step_f32,
} from './gru-general';
import { lstm_back_step_f32, lstm_tape_step_f32 } from './lstm';
import { lstm_projected_back_step_f32, lstm_projected_tape_step_f32, projectedSide } from './projected';
import { backUnits } from './recur-back';
import { slstm_back_step_f32, slstm_tape_step_f32 } from './slstm';
import { drawsCell, handOn, holdDrawn, keepDrawn, madeOf, zerosOf } from './zoneout';

/** Rows of pre-activations of a part of `units` units, padding included. */
// @ts-ignore: decorator
@inline
function tapeRows(cell: usize, units: usize): usize {
  return cell <= ELMAN_RELU ? partRows(cell, units) : familyRows(cell, units);
}

/** Bytes of a row of s. */
function sideRow(cell: usize, units: usize, table: usize): usize {
  if (cell == LSTM_PROJECTED) return projectedSide(table, units);
  return cell == GRU_BEFORE || cell == GRU_BEFORE_GENERAL ? groupsOf(units) << 4 : tapeRows(cell, units) << 2;
}

/** Outputs of a part: its units, but where they are projected. */
function outputsOfPart(cell: usize, units: usize, table: usize): usize {
  return cell == LSTM_PROJECTED ? outputsOf(table) : units;
}

/**
 * T steps of parts [n0, n1) and streams [b0, b1) of a recurrent layer whose input half stands in z, with all that the
 * backward pass reads left behind.
 *
 * y: [T+1, B, H], slot 0 the state before step 0 · c: the same of an LSTM's cell state, and of an sLSTM's, behind which
 * stand its n and m, as far apart as the layer's parameters say; else unused
 * z: [parts][T·B][rows] pre-activations of the input half, all biases added but bhh; an LSTM and the GRUs leave their
 * gates there · s: a GRU that resets after: [parts][T·B][rows], left: W_hh h + bhh; one that resets before:
 * [parts][T·B][⌈units/4⌉·4], left: r ∘ h; an LSTM whose output is projected: what projected.ts draws; else unused
 * whh: [parts] panels [rows/8][units][8] or diagonals [rows] · bhh: [parts][rows], read by the GRU that resets after, or
 * an LSTM's peepholes where z has their gates
 * table: the constants, or the layer's own and its parameters · lengths: [B] or 0; past its end a stream's y is 0 and its c rests
 * ld*: row strides in bytes · steps, batch, hidden: T, B, H · units: of each part but a diagonal layer's last, which
 * has what is left and rows to match · diagonal: each unit reads itself alone
 * zone: what zoneout draws, see zoneout.ts, of a cell of the family but an sLSTM; else 0
 *
 * Of y and c a part's units alone are written. Vectors are read up to 12 bytes past them, and nothing read there tells.
 */
export function recurrent_tape_f32(
  cell: usize, y: usize, ldy: usize, c: usize, ldc: usize, z: usize, s: usize, whh: usize, bhh: usize, table: usize,
  lengths: usize, steps: usize, batch: usize, hidden: usize, units: usize, diagonal: bool, n0: usize, n1: usize, b0: usize, b1: usize,
  zone: usize,
): void {
  const whole = tapeRows(cell, units);
  const streams = b1 - b0;
  const ends = lengths ? lengths + (b0 << 2) : 0;
  for (let n = n0; n < n1; n++) {
    const first = n * units;
    const count = min(units, hidden - first);
    const ldz = tapeRows(cell, count) << 2;
    const bias = bhh + ((n * whole) << 2);
    const weights = whh + ((diagonal ? n * whole : n * whole * units) << 2);
    const zPart = z + ((n * steps * batch * whole) << 2);
    const lds = sideRow(cell, count, table);
    const sPart = s + n * steps * batch * sideRow(cell, units, table);
    for (let t: usize = 0; t < steps; t++) {
      const row = t * batch + b0;
      const h = y + row * ldy + (first << 2);
      const out = h + batch * ldy;
      const before = c + row * ldc + (first << 2);
      const zAt = zPart + row * ldz;
      const sAt = sPart + row * lds;
      if (cell == LSTM) {
        lstm_tape_step_f32(out, h, ldy, before + batch * ldc, before, ldc, zAt, weights, table, ends, t, streams, count, diagonal);
      } else if (cell == GRU_AFTER) {
        gru_after_tape_step_f32(out, h, ldy, zAt, sAt, weights, bias, table, ends, t, streams, count, diagonal);
      } else if (cell == GRU_BEFORE) {
        gru_before_tape_step_f32(out, h, ldy, zAt, sAt, weights, table, ends, t, streams, count, diagonal);
      } else if (cell == SLSTM) {
        slstm_tape_step_f32(out, h, ldy, before + batch * ldc, before, ldc, zAt, weights, table, ends, t, streams, count, diagonal);
      } else if (cell == LSTM_GENERAL) {
        const after = before + batch * ldc;
        lstm_general_tape_step_f32(out, h, ldy, after, before, ldc, zAt, weights, bias, table, ends, t, streams, count, diagonal);
      } else if (cell == LSTM_PROJECTED) {
        const after = before + batch * ldc;
        lstm_projected_tape_step_f32(out, h, ldy, after, before, ldc, zAt, sAt, weights, bias, table, ends, t, streams, count);
      } else if (cell == GRU_AFTER_GENERAL) {
        gru_after_general_tape_step_f32(out, h, ldy, zAt, sAt, weights, bias, table, ends, t, streams, count, diagonal);
      } else if (cell == GRU_BEFORE_GENERAL) {
        gru_before_general_tape_step_f32(out, h, ldy, zAt, sAt, weights, table, ends, t, streams, count, diagonal);
      } else if (cell > ELMAN_RELU) {
        elman_general_tape_step_f32(out, h, ldy, zAt, weights, table, ends, t, streams, count, diagonal);
      } else {
        elman_tape_step_f32(out, h, ldy, zAt, weights, table, ends, t, streams, count, diagonal, cell == ELMAN_RELU);
      }
      if (zone) {
        const outputs = outputsOfPart(cell, count, table);
        const made = madeOf(zone) + row * ldc + (first << 2);
        keepDrawn(
          zone, out, h, ldy, outputs, before + batch * ldc, before, made, ldc, count, ends, t, row, streams, first,
        );
      }
    }
  }
}

/**
 * The same T steps backwards: from dy to the gradients of the pre-activations.
 *
 * dy: [T, B, H] gradient of each output · y, c, z, s: as recurrent_tape_f32 left them
 * z becomes the gradient of the input half's pre-activations · s of a GRU that resets after becomes that of the
 * recurrent half's; of one that resets before it stays r ∘ h · rows of ended streams and all padding become 0
 * dh, dc: scratch [B][⌈units/8⌉·8], for the streams [b0, b1) of one part at a time; of an sLSTM dc has room for two, of
 * which the second is dn
 * whhT: [parts] transposed recurrent weights, panels [⌈units/8⌉][rows][8], of the GRU that resets before those of r and z,
 * then those of n; or diagonals [rows] · others as in recurrent_tape_f32
 *
 * Nothing goes into the state before step 0. Vectors of dy, y and c are read up to 12 bytes past a part's units; what
 * comes of it stays in its lanes, of dh and dc too, and never reaches a product.
 */
export function recurrent_back_f32(
  cell: usize, dy: usize, lddy: usize, y: usize, ldy: usize, c: usize, ldc: usize, z: usize, s: usize, dh: usize, dc: usize,
  whhT: usize, bhh: usize, table: usize, lengths: usize, steps: usize, batch: usize, hidden: usize, units: usize, diagonal: bool,
  n0: usize, n1: usize, b0: usize, b1: usize, zone: usize,
): void {
  const whole = tapeRows(cell, units);
  const streams = b1 - b0;
  const ends = lengths ? lengths + (b0 << 2) : 0;
  const stride = lddy;
  // What arrives has then come together in dh.
  if (zone) lddy = 0;
  // The same for a shorter last part, so that streams keep apart.
  const ldh = backUnits(units) << 2;
  for (let n = n0; n < n1; n++) {
    const first = n * units;
    const count = min(units, hidden - first);
    const ldz = tapeRows(cell, count) << 2;
    const bias = bhh + ((n * whole) << 2);
    const weights = whhT + ((diagonal ? n * whole : n * whole * backUnits(units)) << 2);
    const zPart = z + ((n * steps * batch * whole) << 2);
    const lds = sideRow(cell, count, table);
    const sPart = s + n * steps * batch * sideRow(cell, units, table);
    const dhAt = dh + b0 * ldh;
    const dcAt = dc + b0 * ldh;
    memory.fill(dhAt, 0, streams * ldh);
    memory.fill(dcAt, 0, streams * ldh);
    if (cell == SLSTM) memory.fill(dcAt + batch * ldh, 0, streams * ldh);
    for (let t = steps; t-- > 0; ) {
      const row = t * batch + b0;
      let dyAt = dy + row * stride + (first << 2);
      const h = y + row * ldy + (first << 2);
      const before = c + row * ldc + (first << 2);
      const zAt = zPart + row * ldz;
      const sAt = sPart + row * lds;
      let after = before + batch * ldc;
      if (zone) {
        if (drawsCell(zone)) after = madeOf(zone) + row * ldc + (first << 2);
        const outputs = outputsOfPart(cell, count, table);
        holdDrawn(zone, dyAt, stride, outputs, dhAt, dcAt, ldh, count, ends, t, row, streams, first, b0, batch);
        dyAt = zerosOf(zone);
      }
      if (cell == LSTM) {
        lstm_back_step_f32(
          dyAt, lddy, before + batch * ldc, before, ldc, zAt, dhAt, dcAt, ldh, weights, table, ends, t, streams, count, diagonal,
        );
      } else if (cell == GRU_AFTER) {
        gru_after_back_step_f32(dyAt, lddy, h, ldy, zAt, sAt, dhAt, ldh, weights, table, ends, t, streams, count, diagonal);
      } else if (cell == GRU_BEFORE) {
        gru_before_back_step_f32(dyAt, lddy, h, ldy, zAt, dhAt, dcAt, ldh, weights, table, ends, t, streams, count, diagonal);
      } else if (cell == SLSTM) {
        slstm_back_step_f32(
          dyAt, lddy, before + batch * ldc, before, ldc, zAt, dhAt, dcAt, dcAt + batch * ldh, ldh, weights, table, ends, t, streams,
          count, diagonal,
        );
      } else if (cell == LSTM_GENERAL) {
        lstm_general_back_step_f32(
          dyAt, lddy, after, before, ldc, zAt, dhAt, dcAt, ldh, weights, bias, table, ends, t, streams, count, diagonal,
        );
      } else if (cell == LSTM_PROJECTED) {
        lstm_projected_back_step_f32(
          dyAt, lddy, after, before, ldc, zAt, sAt, dhAt, dcAt, dcAt + batch * ldh, ldh, weights, bias, table, ends, t,
          streams, count,
        );
      } else if (cell == GRU_AFTER_GENERAL) {
        gru_after_general_back_step_f32(dyAt, lddy, h, ldy, zAt, sAt, dhAt, ldh, weights, table, ends, t, streams, count, diagonal);
      } else if (cell == GRU_BEFORE_GENERAL) {
        gru_before_general_back_step_f32(dyAt, lddy, h, ldy, zAt, dhAt, dcAt, ldh, weights, table, ends, t, streams, count, diagonal);
      } else if (cell > ELMAN_RELU) {
        elman_general_back_step_f32(dyAt, lddy, zAt, dhAt, ldh, weights, table, ends, t, streams, count, diagonal);
      } else {
        elman_back_step_f32(
          dyAt, lddy, h + batch * ldy, ldy, zAt, dhAt, ldh, weights, table, ends, t, streams, count, diagonal, cell == ELMAN_RELU,
        );
      }
      if (zone && t) handOn(zone, outputsOfPart(cell, count, table), dhAt, dcAt, ldh, count, ends, t, streams, b0, batch);
    }
  }
}
