import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { integer, object, show } from '../base/guards.js';
import { checkIds, checkKind, checkLengths, type Input } from '../session/input.js';
import { ctcSteps } from './ctc/ctc.js';
import type { TrainProgram } from './plan/program.js';
import type { Batch } from './types.js';

/** A batch that has been checked against a training. */
export interface CheckedBatch {
  x: Input;
  steps: number;
  batch: number;
  /** undefined when every stream has T steps */
  lengths: Int32Array | undefined;
  /** what the head's targets are set to */
  targets: Int32Array;
  /** of CTC: [B + 1] where each stream's labels begin */
  offsets: Int32Array | undefined;
  /** how many targets count */
  count: number;
  carry: boolean;
}

/**
 * Checks a batch against what has been planned.
 * @throws TypeError, RangeError naming what is wrong and where
 */
export function checkBatch(program: TrainProgram, value: Batch): CheckedBatch {
  object(value, 'a batch');
  const { capacity } = program;
  const steps = integer(value.steps, 'batch.steps', 1);
  const batch = integer(value.batch, 'batch.batch', 1);
  if (steps > capacity.steps || batch > capacity.batch) {
    throw new ArgumentRangeError(
      `a batch of ${steps} steps × ${batch} streams does not fit the capacity of ${capacity.steps} × ${capacity.batch}; ` +
        'memory is planned before the run: give the largest sizes as capacity.',
    );
  }
  const x = checkKind(program, value.x);
  const width = Math.max(1, program.inputs);
  if (x.length !== steps * batch * width) {
    const shape = program.inputs === 0 ? '[T, B]' : `[T, B, ${width}]`;
    throw new ArgumentRangeError(
      `batch.x ${shape} with T = ${steps}, B = ${batch} needs ${steps * batch * width} values, got ${x.length}.`,
    );
  }
  const lengths = value.lengths === undefined ? undefined : checkLengths(value.lengths, steps, batch);
  if (program.inputs === 0) checkIds(program, x, batch, lengths);
  if (value.carry !== undefined && typeof value.carry !== 'boolean')
    throw new ArgumentTypeError(`batch.carry must be true or false, got ${show(value.carry)}.`);
  const checked = { x, steps, batch, lengths, carry: value.carry ?? false };
  if (program.head.loss.kind === 'ctc') return { ...checked, ...checkLabels(program, value, lengths) };
  return { ...checked, ...checkClasses(program, value, lengths) };
}

function checkClasses(
  { head }: TrainProgram,
  { steps, batch, targets }: Batch,
  lengths: Int32Array | undefined,
): Pick<CheckedBatch, 'targets' | 'offsets' | 'count'> {
  if (!(targets instanceof Int32Array))
    throw new ArgumentTypeError(`batch.targets must be an Int32Array, got ${show(targets)}.`);
  const isSequence = head.loss.kind === 'sequence';
  const needed = isSequence ? batch : steps * batch;
  if (targets.length !== needed) {
    const shape = isSequence ? '[B]' : '[T, B]';
    throw new ArgumentRangeError(`batch.targets ${shape} needs ${needed} classes, got ${targets.length}.`);
  }
  const checked = targets.slice();
  let count = 0;
  for (let i = 0; i < checked.length; i++) {
    const length = lengths?.[isSequence ? i : i % batch] ?? steps;
    // What lies past a stream's length counts for nothing, and neither does an empty stream.
    if (length <= (isSequence ? 0 : Math.floor(i / batch))) checked[i] = -1;
    const target = checked[i]!;
    if (target < -1 || target >= head.outputs) {
      throw new ArgumentRangeError(
        `batch.targets[${i}] is ${target}; classes are within 0..${head.outputs - 1}, and −1 counts for nothing.`,
      );
    }
    if (target >= 0) count++;
  }
  if (count === 0) throw new ArgumentRangeError('batch.targets: not one of them counts.');
  return { targets: checked, offsets: undefined, count };
}

function checkLabels(
  { head }: TrainProgram,
  { steps, batch, targets }: Batch,
  lengths: Int32Array | undefined,
): Pick<CheckedBatch, 'targets' | 'offsets' | 'count'> {
  const strings = targets as readonly ArrayLike<number>[];
  if (!Array.isArray(targets) || targets.length !== batch)
    throw new ArgumentTypeError(
      `batch.targets must be an array of ${batch} label strings, got ${show(targets)}.`,
    );
  const labels: number[] = [];
  const offsets = new Int32Array(batch + 1);
  for (let b = 0; b < batch; b++) {
    const string = strings[b]!;
    object(string, `batch.targets[${b}]`);
    const count = integer(string.length, `batch.targets[${b}].length`, 0);
    const length = lengths?.[b] ?? steps;
    const needed = count > length ? count : ctcSteps(string);
    if (needed > length) {
      throw new ArgumentRangeError(
        `batch.targets[${b}] needs at least ${needed} steps, one a label and one between equal ones; its stream has ${length}.`,
      );
    }
    for (let i = 0; i < string.length; i++)
      labels.push(integer(string[i], `batch.targets[${b}][${i}]`, 1, head.outputs - 1));
    offsets[b + 1] = labels.length;
  }
  return { targets: Int32Array.from(labels), offsets, count: batch };
}

/** Writes a checked batch where the workers read it. */
export function writeBatch(
  f32: Float32Array,
  i32: Int32Array,
  program: TrainProgram,
  { x, batch, lengths, targets, offsets }: CheckedBatch,
): void {
  const { input, inputs, head, vocabulary } = program;
  const at = input.y / 4;
  if (inputs === 0) {
    i32.set(x, at);
    // Ids past a stream's length were not checked; the kernel reads them all the same.
    for (let i = at; i < at + x.length; i++) if (i32[i]! >>> 0 >= vocabulary) i32[i] = 0;
  } else {
    const stride = input.ld / 4;
    for (let row = 0; row * inputs < x.length; row++) {
      const to = at + row * stride;
      const isPast = lengths !== undefined && Math.floor(row / batch) >= lengths[row % batch]!;
      // What lies past a stream's length is multiplied by a slope of 0 all the same, which makes NaN of some numbers.
      if (isPast) f32.fill(0, to, to + inputs);
      else f32.set(x.subarray(row * inputs, (row + 1) * inputs), to);
    }
  }
  if (lengths !== undefined) i32.set(lengths, program.lengths / 4);
  i32.set(targets, head.targets / 4);
  if (offsets !== undefined) i32.set(offsets, head.offsets / 4);
}
