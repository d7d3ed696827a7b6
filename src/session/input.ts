import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { checkSignal, integer, object, show } from '../base/guards.js';
import type { Program } from '../pack/program.js';
import type { LayerState } from './state.js';
import { checkUpdates, type Skips } from './updates.js';

/** x [T, B, I] as floats, or token ids [T, B]. */
export type Input = Float32Array | Int32Array | Uint32Array;

/** What `run` takes beside x. */
export interface RunOptions {
  /** T; default: what x's length implies */
  steps?: number;
  /** B, streams side by side; default 1 */
  batch?: number;
  /** state before the first step, one record per recurrent layer; default zeros. Not written. */
  state?: LayerState[];
  /** steps of each stream, [B], each within 0..T; default T for all */
  lengths?: ArrayLike<number>;
  /**
   * by the names of recurrent layers which of their blocks update in which steps, [T, N] each: 0 where one is skipped,
   * keeps its state, repeats its output and costs nothing (Koutník et al. 2014); default: all in all
   */
  updates?: Record<string, Uint8Array>;
  /** aborts between pieces of work; nothing has changed then */
  signal?: AbortSignal;
  /** where y goes, T·B·O values; default: a new array */
  out?: Float32Array;
  /** called as steps are done, with how many of T; not for every one */
  onProgress?: (done: number, total: number) => void;
}

/** What goes into a program: floats per step and stream, or ids below a number. */
export type Ports = Pick<Program, 'inputs' | 'vocabulary'>;

/** Checked measures of a run. */
export interface Measures {
  steps: number;
  batch: number;
  /** undefined when every stream has T steps */
  lengths: Int32Array | undefined;
  /** undefined when every block updates in every step */
  skips: Skips | undefined;
}

const most = 2 ** 31 - 1;

/**
 * Checks x and the measures of a run against the model.
 * @param row which blocks update in every step of which options.updates says nothing
 * @throws TypeError, RangeError
 */
export function checkRun(program: Program, x: unknown, options: RunOptions, row?: Uint8Array): Measures {
  object(options, 'options');
  checkSignal(options.signal);
  if (options.onProgress !== undefined && typeof options.onProgress !== 'function') {
    throw new ArgumentTypeError(`onProgress must be a function, got ${show(options.onProgress)}.`);
  }
  const input = checkKind(program, x);
  const width = Math.max(1, program.inputs);
  const { batch: streams = 1 } = options;
  const batch = integer(streams, 'batch', 1, most);
  const shape = program.inputs === 0 ? '[T, B]' : `[T, B, ${width}]`;
  if (options.steps === undefined && (input.length === 0 || input.length % (batch * width) !== 0)) {
    throw new ArgumentRangeError(
      `x ${shape} with B = ${batch} needs a multiple of ${batch * width} values, got ${input.length}.`,
    );
  }
  const { steps: given = input.length / (batch * width) } = options;
  const steps = integer(given, 'steps', 1, most);
  if (input.length !== steps * batch * width) {
    throw new ArgumentRangeError(
      `x ${shape} with T = ${steps}, B = ${batch} needs ${steps * batch * width} values, got ${input.length}.`,
    );
  }
  const lengths = options.lengths === undefined ? undefined : checkLengths(options.lengths, steps, batch);
  if (program.inputs === 0) checkIds(program, input, batch, lengths);
  if (options.out !== undefined) checkOut(options.out, steps * batch * program.outputs);
  const told = options.updates === undefined ? [] : checkUpdates(program, options.updates, steps);
  const skips = row === undefined && told.length === 0 ? undefined : { row, given: told };
  return { steps, batch, lengths, skips };
}

/** Returns x when it is of the kind that the model's first layer reads. */
export function checkKind(program: Ports, x: unknown): Input {
  if (program.inputs === 0) {
    if (x instanceof Int32Array || x instanceof Uint32Array) return x;
    throw new ArgumentTypeError(`x must be ids, an Int32Array or Uint32Array, got ${show(x)}.`);
  }
  if (x instanceof Float32Array) return x;
  throw new ArgumentTypeError(`x must be a Float32Array, got ${show(x)}.`);
}

/** Every id of a stream's own steps must be a row of the embedding; ids past a length are not read. */
export function checkIds(program: Ports, ids: Input, batch: number, lengths: Int32Array | undefined): void {
  const { vocabulary } = program;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (id >= 0 && id < vocabulary) continue;
    if (lengths !== undefined && Math.floor(i / batch) >= lengths[i % batch]!) continue;
    throw new ArgumentRangeError(`x[${i}] is ${id}; ids of this model are within 0..${vocabulary - 1}.`);
  }
}

/** Returns `out` when it is a place for so many values. */
export function checkOut(out: unknown, count: number): Float32Array {
  if (!(out instanceof Float32Array)) {
    throw new ArgumentTypeError(`out must be a Float32Array, got ${show(out)}.`);
  }
  if (out.length !== count) throw new ArgumentRangeError(`out needs ${count} values, got ${out.length}.`);
  return out;
}

/**
 * The steps of each stream.
 * @returns undefined when every stream has all T steps
 * @throws TypeError, RangeError
 */
export function checkLengths(
  lengths: ArrayLike<number>,
  steps: number,
  batch: number,
): Int32Array | undefined {
  if (lengths === null || typeof lengths !== 'object' || typeof lengths.length !== 'number') {
    throw new ArgumentTypeError(`lengths must be an array of integers, got ${show(lengths)}.`);
  }
  if (lengths.length !== batch) {
    throw new ArgumentRangeError(`lengths needs ${batch} values, one per stream, got ${lengths.length}.`);
  }
  const checked = new Int32Array(batch);
  for (let b = 0; b < batch; b++) checked[b] = integer(lengths[b], `lengths[${b}]`, 0, steps);
  return checked.every((length) => length === steps) ? undefined : checked;
}
