import { ArgumentRangeError } from '../base/errors.js';
import { checkSignal } from '../base/guards.js';
import type { Arena } from '../memory/arena.js';
import type { Program } from '../pack/program.js';
import type { Schedule } from '../schedule/schedule.js';
import type { Input, Measures, RunOptions } from './input.js';
import { type Chunk, readPort, writePort } from './ports.js';
import { createState, loadState, type State, storeState } from './state.js';
import { writeUpdates } from './updates.js';

/** What a run gives. */
export interface RunResult {
  /** [T, B, O] */
  y: Float32Array;
  /** after each stream's last step, a record per recurrent layer: h [B, H], and c [B, H] for an LSTM */
  state: State;
}

/** Multiply-adds in a piece, about a tenth of a second: what an abort or another task has to wait for. */
const pieceWork = 2 ** 31;
/** Steps of loops in a piece: a crew meets after each, and counts its meetings in one word. */
const pieceSteps = 2 ** 17;
/** After so many milliseconds a run on the calling thread lets other tasks have their turn. */
const turn = 50;

/**
 * Runs checked input through the model: streams in slices, steps in pieces, each of a size that the run frame
 * holds. A model of several stages goes through the whole sequence with each, and what one leaves for the next is kept
 * here, so that the frame does not grow with it. Nothing that the caller has given is written except `out`, and that only with results.
 */
export async function runModel(
  arena: Arena,
  program: Program,
  schedule: Schedule,
  x: Input,
  { steps, batch, lengths, skips }: Measures,
  options: Pick<RunOptions, 'state' | 'signal' | 'out' | 'onProgress'>,
): Promise<RunResult> {
  checkSignal(options.signal);
  const { stages, run: frame } = program;
  const y = options.out ?? newOutput(steps * batch * program.outputs);
  const after = createState(program, batch);
  const slices = Math.ceil(batch / frame.batch);
  const total = slices * stages.length * steps;
  let last = performance.now();
  let done = 0;
  for (let slice = 0; slice < slices; slice++) {
    const first = slice * frame.batch;
    const count = Math.min(frame.batch, batch - first);
    loadState(arena, program, frame, options.state, first, count);
    if (lengths !== undefined) arena.i32.set(lengths.subarray(first, first + count), frame.lengths / 4);
    const own = lengths?.subarray(first, first + count);
    /** what stages leave for each other, whole: [T, count, width] */
    const values = new Map<number, Float32Array>();
    for (const [number, stage] of stages.entries()) {
      for (const { value, of } of stage.outputs)
        if (value >= 0 && !values.has(value)) values.set(value, newOutput(steps * count * of));
      const looped = stage.loops.reduce((sum, { from, to }) => sum + to - from, 0);
      const most = Math.min(
        Math.floor(frame.rows / count),
        Math.ceil(pieceWork / (count * stage.work)),
        Math.ceil(pieceSteps / looped),
        skips === undefined ? steps : frame.masks.steps,
      );
      for (let t0 = 0; t0 < steps; t0 += most) {
        const some = Math.min(most, steps - t0);
        const given: Chunk = { t0, steps: some, first, count, batch, whole: steps, lengths };
        const kept: Chunk = { ...given, first: 0, batch: count, lengths: own };
        for (const port of stage.inputs) {
          if (port.value < 0) writePort(arena, program, port, x, given);
          else writePort(arena, program, port, values.get(port.value)!, kept);
        }
        if (skips !== undefined) writeUpdates(arena, frame, skips, t0, some);
        const ragged = lengths !== undefined;
        const masked = skips !== undefined;
        const piece = { stage: number, steps: some, batch: count, row: 0, t0, ragged, masked };
        const pending = schedule.run(piece);
        if (pending !== undefined) await pending;
        for (const port of stage.outputs) {
          if (port.value < 0) readPort(arena, program, port, y, given);
          else readPort(arena, program, port, values.get(port.value)!, kept);
        }
        done += some;
        if (done < total) {
          options.onProgress?.(Math.floor((done / total) * steps), steps);
          if (performance.now() - last > turn) {
            await new Promise((resolve) => setTimeout(resolve, 0));
            last = performance.now();
          }
          checkSignal(options.signal);
        }
      }
      for (const value of values.keys()) if (!isReadAfter(program, number, value)) values.delete(value);
    }
    storeState(arena, program, frame, after, first, count);
  }
  options.onProgress?.(steps, steps);
  return { y, state: after };
}

/** Whether a stage behind that one reads a value. */
function isReadAfter({ stages }: Program, stage: number, value: number): boolean {
  return stages.slice(stage + 1).some(({ inputs }) => inputs.some((port) => port.value === value));
}

function newOutput(count: number): Float32Array {
  try {
    return new Float32Array(count);
  } catch {
    throw new ArgumentRangeError(`the output would have ${count} values, more than one array holds.`);
  }
}
