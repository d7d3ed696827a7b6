import { lstm_general_cell_f32 } from '../cell/lstm-general';
import { outputsOf, projectionOf } from '../cell/parameters';
import { gemm_f32 } from '../gemm/gemm';
import { recur } from '../layer/recur';
import { groupsOf, rowsOf } from '../layer/shape';
import { ended, zero } from '../layer/stream';
import { zoneout } from '../layer/zoneout';
import { carryCells, lstmBackCell } from './general';

/**
 * An LSTM whose output is projected (Sak et al. 2014): y = W_hr q, where q is what the cell gives. Beside each row of z
 * there stand, for the gradient of W_hr, q and what came to y:
 *
 *   [⌈units/4⌉·4] q, 0 past its units · [⌈P/8⌉·8] d = dy + dh, 0 past P
 *
 * W_hr lies where the layer's parameters say: panels [⌈P/8⌉][units][8], zeros [⌈P/8⌉·8], and for the way back panels of
 * columns [⌈units/8⌉][⌈P/8⌉·8][8].
 */

/** Panels of P outputs. */
// @ts-ignore: decorator
@inline
function panelsOf(outputs: usize): usize {
  return (outputs + 7) >> 3;
}

/** Bytes of a row of q and d. */
export function projectedSide(table: usize, units: usize): usize {
  return (groupsOf(units) << 4) + (panelsOf(outputsOf(table)) << 5);
}

/** One step on tape. y, h: [B][⌈P/8⌉·8] · q: rows as above. Others as in lstm_general_tape_step_f32; the layer is one part. */
export function lstm_projected_tape_step_f32(
  y: usize, h: usize, ldy: usize, c: usize, before: usize, ldc: usize, z: usize, q: usize, whh: usize, p: usize, table: usize,
  lengths: usize, time: usize, batch: usize, units: usize,
): void {
  const outputs = outputsOf(table);
  const panels = panelsOf(outputs);
  const ldz = rowsOf(units, 4) << 2;
  const ldq = projectedSide(table, units);
  carryCells(c, before, ldc, batch, units);
  recur(z, ldz, z, ldz, h, ldy, whh, batch, outputs, false, 0, units, 4);
  for (let b: usize = 0; b < batch; b++) {
    const own = q + b * ldq;
    zero(own, groupsOf(units) << 2);
    if (!ended(lengths, b, time)) lstm_general_cell_f32(own, c + b * ldc, z + b * ldz, p, table, units);
  }
  const weights = projectionOf(table);
  gemm_f32(y, ldy, weights + panels * (units << 5), 0, q, ldq, weights, batch, units, panels);
  for (let b: usize = 0; b < batch; b++) {
    if (!ended(lengths, b, time)) zoneout(y + b * ldy, h + b * ldy, table, outputs);
  }
}

/**
 * The same step backwards. dh: [B][⌈P/8⌉·8] · dq: scratch [B], like dc · whhT: panels [⌈P/8⌉][rows][8]
 * Others as in lstm_general_back_step_f32.
 */
export function lstm_projected_back_step_f32(
  dy: usize, lddy: usize, c: usize, before: usize, ldc: usize, z: usize, q: usize, dh: usize, dc: usize, dq: usize, ldh: usize,
  whhT: usize, p: usize, table: usize, lengths: usize, time: usize, batch: usize, units: usize,
): void {
  const outputs = outputsOf(table);
  const panels = panelsOf(outputs);
  const ldz = rowsOf(units, 4) << 2;
  const ldq = projectedSide(table, units);
  const d = q + (groupsOf(units) << 4);
  const width = panels << 3;
  for (let b: usize = 0; b < batch; b++) {
    const to = d + b * ldq;
    const own = dh + b * ldh;
    if (ended(lengths, b, time)) zero(to, width);
    else {
      for (let i: usize = 0; i < width << 2; i += 16) {
        v128.store(to + i, f32x4.add(v128.load(dy + b * lddy + i), v128.load(own + i)));
      }
      zero(to + (outputs << 2), width - outputs);
      zero(own, width);
    }
  }
  // Behind the panels of the way forward and their zeros.
  const weights = projectionOf(table) + (panels * (units + 1) << 5);
  zero(dq, (batch * ldh) >> 2);
  gemm_f32(dq, ldh, dq, ldh, d, ldq, weights, batch, width, (units + 7) >> 3);
  for (let b: usize = 0; b < batch; b++) {
    const to = z + b * ldz;
    if (ended(lengths, b, time)) zero(to, ldz >> 2);
    else lstmBackCell(to, dc + b * ldh, dq + b * ldh, c + b * ldc, before + b * ldc, p, table, units);
  }
  if (time) gemm_f32(dh, ldh, dh, ldh, z, ldz, whhT, batch, rowsOf(units, 4), panels);
}
