import { ended } from '../layer/stream';
import { storeLanes } from '../simd/lanes';
import { hashLanes, keyOf, mix } from './draw';

/**
 * Zoneout as training draws it (Krueger et al. 2017), around the steps of cells that know nothing of it. With h̃ and c̃
 * what a step gives, h̃ being made of c̃:
 *
 *   h' = h where hash(seed of h, t·B + b, unit) ≤ last, else h̃          c' alike, of c and c̃ with a seed of its own
 *
 * The hash is draw.ts's. What comes back to a unit that has kept its state is handed on whole to the state before, past
 * the cell, and the cell gets 0. A record says what is drawn, and where there is room:
 *
 *   of h, then of c: isDrawn u32 · seed u32 · last u32, the largest hash that keeps
 *   made u32: [T·B] rows of c̃, strides as c's · held u32: scratch [2][B][⌈units/8⌉·8], of h and of c, what goes past the
 *   cell · zeros u32: a row of zeros
 *
 *   unit u32: number of the layer's unit that those of these parts are counted from
 *
 * Outputs and units are those of one part, the first of them number `first` of these parts; an LSTM's outputs are another
 * number where they are projected. row: t·B + b of the first stream · lengths: [B] or 0; an ended stream is left as it is
 */
const CELL: usize = 12;
const SEED: usize = 4;
const LAST: usize = 8;
const MADE: usize = 24;
const HELD: usize = 28;
const ZEROS: usize = 32;
const UNIT: usize = 36;

/** Whether c is drawn: then c̃ is apart from it. */
// @ts-ignore: decorator
@inline
export function drawsCell(zone: usize): bool {
  return load<u32>(zone, CELL) != 0;
}

/** Address of the rows of c̃. */
// @ts-ignore: decorator
@inline
export function madeOf(zone: usize): usize {
  return load<u32>(zone, MADE);
}

// @ts-ignore: decorator
@inline
export function zerosOf(zone: usize): usize {
  return load<u32>(zone, ZEROS);
}

/** Whether four columns keep. */
// @ts-ignore: decorator
@inline
function keeps(lot: usize, keys: v128, more: v128, column: usize): v128 {
  const columns = i32x4.add(i32x4.splat(<i32>column), i32x4(0, 1, 2, 3));
  return i32x4.le_u(hashLanes(keys, more, columns), v128.load32_splat(lot, LAST));
}

/** One row: y = before where it keeps. y: [count] written · before: [count] */
function keepRow(lot: usize, row: usize, first: usize, y: usize, before: usize, count: usize): void {
  const key = keyOf(mix(load<u32>(lot, SEED)), row);
  const keys = i32x4.splat(key);
  const more = i32x4.splat(mix(key));
  for (let u: usize = 0; u < count; u += 4) {
    const at = u << 2;
    const kept = keeps(lot, keys, more, first + u);
    storeLanes(y + at, v128.bitselect(v128.load(before + at), v128.load(y + at), kept), count - u);
  }
}

/** One row on the way back: held = d where it keeps, else 0, and d the other way round; both [⌈count/4⌉·4]. */
function holdRow(lot: usize, row: usize, first: usize, held: usize, d: usize, count: usize): void {
  const key = keyOf(mix(load<u32>(lot, SEED)), row);
  const keys = i32x4.splat(key);
  const more = i32x4.splat(mix(key));
  for (let u: usize = 0; u < count; u += 4) {
    const at = u << 2;
    const kept = keeps(lot, keys, more, first + u);
    const arrived = v128.load(d + at);
    v128.store(held + at, v128.and(arrived, kept));
    v128.store(d + at, v128.andnot(arrived, kept));
  }
}

/** d += x, both [⌈count/4⌉·4]. */
function addRow(d: usize, x: usize, count: usize): void {
  for (let u: usize = 0; u < count << 2; u += 16) v128.store(d + u, f32x4.add(v128.load(d + u), v128.load(x + u)));
}

/**
 * Behind a step forward: h' and c' instead of h̃ and c̃; c̃ is kept apart where c is drawn.
 *
 * y, h: [B] rows of outputs, y written, h the state before · c, before: the same of c; made: c̃, as c
 */
export function keepDrawn(
  zone: usize, y: usize, h: usize, ldy: usize, outputs: usize, c: usize, before: usize, made: usize, ldc: usize, units: usize,
  lengths: usize, time: usize, row: usize, batch: usize, first: usize,
): void {
  const unit = first + load<u32>(zone, UNIT);
  const outputDrawn = load<u32>(zone) != 0;
  const cellDrawn = drawsCell(zone);
  for (let b: usize = 0; b < batch; b++) {
    // An ended stream's too: its gradient will be 0, and c̃ must be a number to meet that.
    if (cellDrawn) memory.copy(made + b * ldc, c + b * ldc, units << 2);
    if (ended(lengths, b, time)) continue;
    if (outputDrawn) keepRow(zone, row + b, unit, y + b * ldy, h + b * ldy, outputs);
    if (cellDrawn) keepRow(zone + CELL, row + b, unit, c + b * ldc, before + b * ldc, units);
  }
}

/**
 * Before a step backward: all that arrives at h' comes together in dh; of it and of dc the cell finds what is its own.
 *
 * dh, dc: [B][ldh] · dy: [B] · stream0: the first stream's number · all: how many streams the scratch has room for
 */
export function holdDrawn(
  zone: usize, dy: usize, lddy: usize, outputs: usize, dh: usize, dc: usize, ldh: usize, units: usize,
  lengths: usize, time: usize, row: usize, batch: usize, first: usize, stream0: usize, all: usize,
): void {
  const held = load<u32>(zone, HELD) + stream0 * ldh;
  const heldCell = held + all * ldh;
  const unit = first + load<u32>(zone, UNIT);
  for (let b: usize = 0; b < batch; b++) {
    if (ended(lengths, b, time)) continue;
    const at = b * ldh;
    addRow(dh + at, dy + b * lddy, outputs);
    if (load<u32>(zone)) holdRow(zone, row + b, unit, held + at, dh + at, outputs);
    if (drawsCell(zone)) holdRow(zone + CELL, row + b, unit, heldCell + at, dc + at, units);
  }
}

/** Behind a step backward: what went past the cell comes to what it hands on. Arguments as in holdDrawn. */
export function handOn(
  zone: usize, outputs: usize, dh: usize, dc: usize, ldh: usize, units: usize, lengths: usize, time: usize,
  batch: usize, stream0: usize, all: usize,
): void {
  const held = load<u32>(zone, HELD) + stream0 * ldh;
  const heldCell = held + all * ldh;
  for (let b: usize = 0; b < batch; b++) {
    if (ended(lengths, b, time)) continue;
    const at = b * ldh;
    if (load<u32>(zone)) addRow(dh + at, held + at, outputs);
    if (drawsCell(zone)) addRow(dc + at, heldCell + at, units);
  }
}
