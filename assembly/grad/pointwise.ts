import { QRNN, SRU_WIDENED, familyRows } from '../layer/family-cells';
import { ended, zero } from '../layer/stream';
import { qrnnBackCell, qrnnTapeCell } from './qrnn';
import { backUnits, clearPadding } from './recur-back';
import { sruBackCell, sruTapeCell } from './sru';

/**
 * T steps of parts [n0, n1) and streams [b0, b1) of a layer whose units recur alone and without a matrix, SRU or QRNN, with
 * all that the way back reads left behind.
 *
 * y: [T, B, H] · c: [T+1, B, H], slot 0 the state before step 0 · z: [parts][T·B][rows] pre-activations, biases added;
 * gates are left there · v: of an SRU, its weights of c [parts][rows] · x: [T, B, H] the layer's input, read by an SRU
 * whose input is as wide as its output · table: the layer's own constants and parameters · lengths: [B] or 0; past its end
 * a stream's y is 0 and its c rests · others as in recurrent_tape_f32
 */
export function pointwise_tape_f32(
  cell: usize, y: usize, ldy: usize, c: usize, ldc: usize, z: usize, v: usize, x: usize, ldx: usize, table: usize, lengths: usize,
  steps: usize, batch: usize, hidden: usize, units: usize, n0: usize, n1: usize, b0: usize, b1: usize,
): void {
  const whole = familyRows(cell, units);
  const gates: usize = cell == SRU_WIDENED ? 4 : 3;
  for (let n = n0; n < n1; n++) {
    const offset = (n * units) << 2;
    const count = min(units, hidden - n * units);
    const ldz = familyRows(cell, count) << 2;
    const own = z + ((n * steps * batch * whole) << 2);
    const weights = v + ((n * whole) << 2);
    for (let t: usize = 0; t < steps; t++) {
      for (let b = b0; b < b1; b++) {
        const row = t * batch + b;
        const to = y + row * ldy + offset;
        const before = c + row * ldc + offset;
        const after = before + batch * ldc;
        if (ended(lengths, b, t)) {
          zero(to, count);
          memory.copy(after, before, count << 2);
        } else if (cell == QRNN) {
          qrnnTapeCell(to, after, before, own + row * ldz, table, count);
        } else {
          sruTapeCell(to, after, before, own + row * ldz, weights, x + row * ldx + offset, table, count, gates);
        }
      }
    }
  }
}

/**
 * The same T steps backwards: from dy to the gradients of the pre-activations.
 *
 * dy: [T, B, H] gradient of each output · c, z: as pointwise_tape_f32 left them; z becomes the gradient of the
 * pre-activations, rows of ended streams and all padding 0 · dx: [T, B, H], written by an SRU whose input is as wide as its
 * output: what comes to its input past the matrices · dc: scratch [B][⌈units/8⌉·8], for the streams [b0, b1) of one part
 * at a time · others as above. Nothing goes into the state before step 0.
 */
export function pointwise_back_f32(
  cell: usize, dy: usize, lddy: usize, c: usize, ldc: usize, z: usize, v: usize, x: usize, ldx: usize, dx: usize, lddx: usize,
  dc: usize, table: usize, lengths: usize, steps: usize, batch: usize, hidden: usize, units: usize,
  n0: usize, n1: usize, b0: usize, b1: usize,
): void {
  const whole = familyRows(cell, units);
  const gates: usize = cell == SRU_WIDENED ? 4 : 3;
  const skips = cell != QRNN && gates == 3;
  const ldh = backUnits(units) << 2;
  for (let n = n0; n < n1; n++) {
    const offset = (n * units) << 2;
    const count = min(units, hidden - n * units);
    const ldz = familyRows(cell, count) << 2;
    const own = z + ((n * steps * batch * whole) << 2);
    const weights = v + ((n * whole) << 2);
    memory.fill(dc + b0 * ldh, 0, (b1 - b0) * ldh);
    for (let t = steps; t-- > 0; ) {
      for (let b = b0; b < b1; b++) {
        const row = t * batch + b;
        const to = own + row * ldz;
        const past = dx + row * lddx + offset;
        const before = c + row * ldc + offset;
        const after = before + batch * ldc;
        if (ended(lengths, b, t)) {
          zero(to, ldz >> 2);
          if (skips) zero(past, count);
        } else if (cell == QRNN) {
          qrnnBackCell(to, dc + b * ldh, dy + row * lddy + offset, after, before, table, count);
          clearPadding(to, count, gates);
        } else {
          const input = x + row * ldx + offset;
          sruBackCell(to, weights, dc + b * ldh, dy + row * lddy + offset, after, before, input, past, table, count, gates);
          clearPadding(to, count, gates);
        }
      }
    }
  }
}
