import { storeLanes } from '../simd/lanes';
import { madd } from '../simd/madd';
import { zero } from './stream';

/**
 * Layers whose state is what came in before: of each stream `kept` inputs, the oldest first, h [B][kept][size]. All
 * work on features [c0, c1) alone, x, y and h included, so that each worker can have some; c0 is a multiple of 8.
 *
 * y, x: [T, B, size] · lengths: [B] or 0 · t0: number of the first step · ld*: row strides in bytes
 * Past its end a stream's output is zero and its state rests.
 */

/** How many of steps [t0, t0 + steps) a stream has. */
// @ts-ignore: decorator
@inline
function stepsOf(lengths: usize, stream: usize, t0: usize, steps: usize): usize {
  if (!lengths) return steps;
  const length = <usize>load<u32>(lengths + (stream << 2));
  return length <= t0 ? 0 : min(steps, length - t0);
}

/** Where the input of step t − back of a stream lies, at its row of the state while that was before step 0. */
// @ts-ignore: decorator
@inline
function inputAt(x: usize, step: usize, h: usize, kept: usize, row: usize, t: usize, back: usize): usize {
  return t >= back ? x + (t - back) * step : h + (kept + t - back) * row;
}

/** The last inputs of a stream that has gone `steps` steps become its state. In place: a row moves to where an older one was. */
function keepPast(x: usize, step: usize, h: usize, kept: usize, row: usize, steps: usize, first: usize, bytes: usize): void {
  if (steps == 0) return;
  for (let k: usize = 0; k < kept; k++) {
    memory.copy(h + k * row + first, inputAt(x, step, h, kept, row, steps + k, kept) + first, bytes);
  }
}

/**
 * y = bias + Σ_j weight_j x of width − 1 − j steps ago, feature by feature; kept is width − 1.
 * weight: [width][⌈size/4⌉·4] · bias: [⌈size/4⌉·4] · size, width: features and steps
 */
export function conv_f32(
  y: usize, ldy: usize, x: usize, ldx: usize, h: usize, ldh: usize, weight: usize, bias: usize, lengths: usize, t0: usize,
  steps: usize, batch: usize, size: usize, width: usize, c0: usize, c1: usize,
): void {
  const kept = width - 1;
  const row = size << 2;
  const ldw = (row + 15) & ~15;
  const step = batch * ldx;
  for (let b: usize = 0; b < batch; b++) {
    const from = x + b * ldx;
    const past = h + b * ldh;
    const count = stepsOf(lengths, b, t0, steps);
    for (let t: usize = 0; t < steps; t++) {
      const to = y + (t * batch + b) * ldy;
      if (t >= count) {
        zero(to + (c0 << 2), c1 - c0);
        continue;
      }
      for (let c = c0; c < c1; c += 4) {
        const at = c << 2;
        let sum = v128.load(bias + at);
        for (let j: usize = 0; j < width; j++) {
          const input = inputAt(from, step, past, kept, row, t, kept - j);
          sum = madd(v128.load(weight + j * ldw + at), v128.load(input + at), sum);
        }
        storeLanes(to + at, sum, c1 - c);
      }
    }
    keepPast(from, step, past, kept, row, count, c0 << 2, (c1 - c0) << 2);
  }
}

/** y = x of `kept` steps ago. */
export function delay_f32(
  y: usize, ldy: usize, x: usize, ldx: usize, h: usize, ldh: usize, lengths: usize, t0: usize,
  steps: usize, batch: usize, size: usize, kept: usize, c0: usize, c1: usize,
): void {
  const row = size << 2;
  const step = batch * ldx;
  const first = c0 << 2;
  const bytes = (c1 - c0) << 2;
  for (let b: usize = 0; b < batch; b++) {
    const from = x + b * ldx;
    const past = h + b * ldh;
    const count = stepsOf(lengths, b, t0, steps);
    for (let t: usize = 0; t < steps; t++) {
      const to = y + (t * batch + b) * ldy + first;
      if (t < count) memory.copy(to, inputAt(from, step, past, kept, row, t, kept) + first, bytes);
      else zero(to, c1 - c0);
    }
    keepPast(from, step, past, kept, row, count, first, bytes);
  }
}

/** What came in becomes the past, as behind delay_f32: the same state, and no y. */
export function keep_past_f32(
  h: usize, ldh: usize, x: usize, ldx: usize, lengths: usize, t0: usize,
  steps: usize, batch: usize, size: usize, kept: usize, c0: usize, c1: usize,
): void {
  const row = size << 2;
  for (let b: usize = 0; b < batch; b++) {
    const count = stepsOf(lengths, b, t0, steps);
    keepPast(x + b * ldx, batch * ldx, h + b * ldh, kept, row, count, c0 << 2, (c1 - c0) << 2);
  }
}
