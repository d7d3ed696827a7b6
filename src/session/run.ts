import { ArgumentRangeError } from '../base/errors.js';
import { checkSignal } from '../base/guards.js';
import { outputOf } from '../engine/engine.js';
import type { Arena } from '../memory/arena.js';
import type { Program } from '../pack/program.js';
import type { Schedule } from '../schedule/schedule.js';
import type { Input, Measures, RunOptions } from './input.js';
import { createState, loadState, type State, storeState } from './state.js';

/** What a run gives. */
export interface RunResult {
  /** [T, B, O] */
  y: Float32Array;
  /** after each stream's last step, a record per recurrent layer: h [B, H], and c [B, H] for an LSTM */
  state: State;
}

/** Multiply-adds in a piece, about a tenth of a second: what an abort or another task has to wait for. */
const pieceWork = 2 ** 31;
/** After so many milliseconds a run on the calling thread lets other tasks have their turn. */
const turn = 50;

/**
 * Runs checked input through the model: streams in slices, steps in pieces, each of a size that the run frame
 * holds. Nothing that the caller has given is written except `out`, and that only with results.
 */
export async function runModel(
  arena: Arena,
  program: Program,
  schedule: Schedule,
  x: Input,
  { steps, batch, lengths }: Measures,
  options: Pick<RunOptions, 'state' | 'signal' | 'out' | 'onProgress'>,
): Promise<RunResult> {
  checkSignal(options.signal);
  const frame = program.run;
  const y = options.out ?? newOutput(steps * batch * program.outputs);
  const after = createState(program, batch);
  const slices = Math.ceil(batch / frame.batch);
  let last = performance.now();
  for (let slice = 0; slice < slices; slice++) {
    const first = slice * frame.batch;
    const count = Math.min(frame.batch, batch - first);
    const most = Math.min(Math.floor(frame.rows / count), Math.ceil(pieceWork / (count * program.work)));
    loadState(arena, program, frame, options.state, first, count);
    if (lengths !== undefined) arena.i32.set(lengths.subarray(first, first + count), frame.lengths / 4);
    for (let t0 = 0; t0 < steps; t0 += most) {
      const some = Math.min(most, steps - t0);
      writeInput(arena, program, x, t0, some, batch, first, count);
      const pending = schedule.run({ steps: some, batch: count, t0, ragged: lengths !== undefined });
      if (pending !== undefined) await pending;
      readOutput(arena, program, y, t0, some, batch, first, count, lengths);
      if (t0 + some < steps || slice + 1 < slices) {
        options.onProgress?.(Math.floor((slice * steps + t0 + some) / slices), steps);
        if (performance.now() - last > turn) {
          await new Promise((resolve) => setTimeout(resolve, 0));
          last = performance.now();
        }
        checkSignal(options.signal);
      }
    }
    storeState(arena, program, frame, after, first, count);
  }
  options.onProgress?.(steps, steps);
  return { y, state: after };
}

function newOutput(count: number): Float32Array {
  try {
    return new Float32Array(count);
  } catch {
    throw new ArgumentRangeError(`the output would have ${count} values, more than one array holds.`);
  }
}

/** Puts rows [t0, t0 + some) of streams [first, first + count) of x into the frame. */
function writeInput(
  { f32, i32 }: Arena,
  program: Program,
  x: Input,
  t0: number,
  some: number,
  batch: number,
  first: number,
  count: number,
): void {
  const width = Math.max(1, program.inputs);
  const to = program.run.input / 4;
  const target = program.inputs === 0 ? i32 : f32;
  if (count === batch) {
    target.set(x.subarray(t0 * batch * width, (t0 + some) * batch * width), to);
  } else {
    for (let t = 0; t < some; t++) {
      const from = ((t0 + t) * batch + first) * width;
      target.set(x.subarray(from, from + count * width), to + t * count * width);
    }
  }
  if (program.inputs === 0) {
    // Ids past a stream's length were not checked; the kernel reads them all the same.
    for (let i = to; i < to + some * count; i++) if (i32[i]! >>> 0 >= program.vocabulary) i32[i] = 0;
  }
}

/** Takes the same rows of y out of the frame. Past its length a stream's output is zero. */
function readOutput(
  { f32 }: Arena,
  program: Program,
  y: Float32Array,
  t0: number,
  some: number,
  batch: number,
  first: number,
  count: number,
  lengths: Int32Array | undefined,
): void {
  const width = program.outputs;
  const { address, ld } = outputOf(program, program.run);
  if (ld === width * 4 && count === batch && lengths === undefined) {
    y.set(f32.subarray(address / 4, address / 4 + some * batch * width), t0 * batch * width);
    return;
  }
  for (let t = 0; t < some; t++) {
    for (let b = 0; b < count; b++) {
      const to = ((t0 + t) * batch + first + b) * width;
      if (lengths !== undefined && t0 + t >= lengths[first + b]!) {
        y.fill(0, to, to + width);
      } else {
        const from = (address + (t * count + b) * ld) / 4;
        y.set(f32.subarray(from, from + width), to);
      }
    }
  }
}
