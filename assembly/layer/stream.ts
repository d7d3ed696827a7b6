/**
 * A layer runs over B streams at once, each with its own length. Past its end a stream's output is zero and
 * its state rests.
 */

/** Whether a stream has ended before step `time`; `lengths` is [B] i32, or 0 when every stream is whole. */
// @ts-ignore: decorator
@inline
export function ended(lengths: usize, stream: usize, time: usize): bool {
  return lengths != 0 && time >= <usize>load<u32>(lengths + (stream << 2));
}

/** Zeroes `count` floats at y. */
// @ts-ignore: decorator
@inline
export function zero(y: usize, count: usize): void {
  memory.fill(y, 0, count << 2);
}

/**
 * T steps in which a layer rests: y = h, the last output again.
 *
 * y: [T, B, width] · h: [B, width], apart from y or rows of it before step 0 · ldy, ldh: row strides in bytes
 * lengths: [B] or 0; past its end a stream's output is zero · t0: number of the first step
 */
export function hold_f32(
  y: usize, ldy: usize, h: usize, ldh: usize, lengths: usize, t0: usize, steps: usize, batch: usize, width: usize,
): void {
  for (let t: usize = 0; t < steps; t++) {
    for (let b: usize = 0; b < batch; b++) {
      const to = y + (t * batch + b) * ldy;
      if (ended(lengths, b, t0 + t)) zero(to, width);
      else memory.copy(to, h + b * ldh, width << 2);
    }
  }
}

/**
 * Moves the last output of each stream into its state, once a layer has run T steps from step t0 on.
 *
 * h: [B, width] · y: [T, B, width] · ldh, ldy: row strides in bytes · lengths: [B] or 0
 * A stream that had ended before t0 keeps its state.
 */
export function keep_state_f32(
  h: usize, ldh: usize, y: usize, ldy: usize, lengths: usize, t0: usize, steps: usize, batch: usize, width: usize,
): void {
  for (let b: usize = 0; b < batch; b++) {
    let last = steps;
    if (lengths) {
      const length = <usize>load<u32>(lengths + (b << 2));
      if (length <= t0) continue;
      last = min(steps, length - t0);
    }
    memory.copy(h + b * ldh, y + ((last - 1) * batch + b) * ldy, width << 2);
  }
}
