import type { Arena } from '../memory/arena.js';
import { addressOf, type Port, type Program } from '../pack/program.js';
import type { Input } from './input.js';

/** Steps of streams that go through the run frame at once. */
export interface Chunk {
  t0: number;
  steps: number;
  /** streams [first, first + count) of the host's `batch` */
  first: number;
  count: number;
  batch: number;
  /** steps of a whole sequence, and of each of the batch's streams where they differ */
  whole: number;
  lengths: Int32Array | undefined;
}

/**
 * Puts a chunk of a value [T, B, of] into the frame: its rows t0 …, or where it is read backward those that come first
 * from each stream's end. Where a reversed stream has ended, zeros.
 */
export function writePort({ f32, i32 }: Arena, program: Program, port: Port, x: Input, chunk: Chunk): void {
  const isIds = program.inputs === 0 && port.value < 0;
  const to = isIds ? i32 : f32;
  const { of, column, width, place, reversed } = port;
  const { t0, steps, first, count, batch } = chunk;
  const at = addressOf(program.run, place) / 4;
  const ld = place.ld / 4;
  const isWhole = !reversed && width === of && ld === of;
  if (isWhole && count === batch) {
    to.set(x.subarray(t0 * batch * of, (t0 + steps) * batch * of), at);
  } else if (isWhole) {
    for (let t = 0; t < steps; t++) {
      const from = ((t0 + t) * batch + first) * of;
      to.set(x.subarray(from, from + count * of), at + t * count * of);
    }
  } else {
    for (let t = 0; t < steps; t++) {
      for (let b = 0; b < count; b++) {
        const time = timeOf(chunk, reversed, t0 + t, first + b);
        const row = at + (t * count + b) * ld;
        if (time < 0) {
          to.fill(0, row, row + width);
          continue;
        }
        const from = (time * batch + first + b) * of + column;
        // A loop: rows are short, and a view of each would cost more.
        for (let i = 0; i < width; i++) to[row + i] = x[from + i]!;
      }
    }
  }
  if (isIds) {
    // Ids past a stream's length were not checked; the kernel reads them all the same.
    for (let i = at; i < at + steps * count; i++) if (i32[i]! >>> 0 >= program.vocabulary) i32[i] = 0;
  }
}

/** Takes a chunk of a value [T, B, of] out of the frame. Past its length a stream is zero. */
export function readPort({ f32 }: Arena, program: Program, port: Port, y: Float32Array, chunk: Chunk): void {
  const { of, column, width, place, reversed } = port;
  const { t0, steps, first, count, batch, lengths } = chunk;
  const at = addressOf(program.run, place) / 4;
  const ld = place.ld / 4;
  if (!reversed && width === of && ld === of && count === batch && lengths === undefined) {
    y.set(f32.subarray(at, at + steps * batch * of), t0 * batch * of);
    return;
  }
  for (let t = 0; t < steps; t++) {
    for (let b = 0; b < count; b++) {
      const isPast = lengths !== undefined && t0 + t >= lengths[first + b]!;
      const time = isPast ? t0 + t : timeOf(chunk, reversed, t0 + t, first + b);
      const to = (time * batch + first + b) * of + column;
      if (isPast) {
        y.fill(0, to, to + width);
      } else {
        const from = at + (t * count + b) * ld;
        y.set(f32.subarray(from, from + width), to);
      }
    }
  }
}

/** The time of the k-th step that a stream takes; −1 when a reversed one has ended. */
function timeOf({ whole, lengths }: Chunk, reversed: boolean, k: number, stream: number): number {
  return reversed ? Math.max(-1, (lengths?.[stream] ?? whole) - 1 - k) : k;
}
