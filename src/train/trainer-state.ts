import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { integer, object, show } from '../base/guards.js';
import type { ModelSpec } from '../model/spec.js';
import { checkTensors, type Tensors } from '../model/tensors.js';
import { checkTied, prefixes } from './plan/place.js';
import type { TrainProgram } from './plan/program.js';
import type { TrainerState } from './types.js';

type Carried = TrainerState['carried'];

/**
 * Takes a saved state apart and checks each part.
 * @throws TypeError, RangeError, MismatchError
 */
export function readState(
  spec: ModelSpec,
  program: TrainProgram,
  state: TrainerState,
): { steps: number; weights: Tensors; moments: Tensors[]; carried: Carried } {
  object(state, 'state');
  const steps = integer(state.steps, 'state.steps', 0);
  object(state.tensors, 'state.tensors');
  const groups: Tensors[] = [{}, ...program.moments.map(() => ({}))];
  for (const [name, tensor] of Object.entries(state.tensors)) {
    const moment = prefixes.findIndex((prefix) => name.startsWith(prefix) && !isWeight(program, name));
    if (moment < 0) groups[0]![name] = tensor;
    else if (groups[moment + 1] === undefined) throw otherOptimizer(program.moments.length);
    else groups[moment + 1]![name.slice(prefixes[moment]!.length)] = tensor;
  }
  const [weights, ...moments] = groups as [Tensors, ...Tensors[]];
  for (const moment of moments) {
    if (Object.keys(moment).length === 0) throw otherOptimizer(program.moments.length);
    // Of a tied pair there is one moment.
    for (const { names } of program.params)
      if (names[1] !== undefined && moment[names[0]!] !== undefined) moment[names[1]] = moment[names[0]!]!;
  }
  const checked = checkTensors(spec, weights);
  checkTied(program, checked);
  return {
    steps,
    weights: checked,
    moments: moments.map((moment) => checkTensors(spec, moment)),
    carried: checkCarried(program, state.carried),
  };
}

function isWeight({ params }: TrainProgram, name: string): boolean {
  return params.some(({ names }) => names.includes(name));
}

function otherOptimizer(moments: number): ArgumentRangeError {
  return new ArgumentRangeError(
    `the state is of another optimiser: this one keeps ${moments} numbers for each weight.`,
  );
}

/** What a layer carries from one batch to the next. */
interface Kept {
  /** where the state of training is kept, [slots][B] rows each; c is 0 where there is none */
  h: number;
  c: number;
  ld: number;
  width: number;
  /** rows of each stream: of a layer that looks back, the steps that it does */
  slots: number;
}

function keptOf({ ops }: TrainProgram): Kept[] {
  const all: Kept[] = [];
  for (const op of ops) {
    if (op.op === 'recurrent') all.push({ ...op.kept[0]!, ld: op.out.ld, width: op.outputs, slots: 1 });
    if (op.op === 'conv' || op.op === 'delay')
      all.push({ h: op.kept[0]!, c: 0, ld: op.input.ld, width: op.outputs, slots: op.past });
  }
  return all;
}

function checkCarried(program: TrainProgram, carried: Carried): Carried {
  object(carried, 'state.carried');
  const batch = integer(carried.batch, 'state.carried.batch', 0, program.capacity.batch);
  if (batch === 0) return { batch, layers: [] };
  const tapes = keptOf(program);
  const layers: unknown = carried.layers;
  if (!Array.isArray(layers))
    throw new ArgumentTypeError(`state.carried.layers must be an array, got ${show(layers)}.`);
  if (layers.length !== tapes.length) {
    throw new ArgumentRangeError(
      `state.carried.layers needs ${tapes.length} records, one per layer with a state, got ${layers.length}.`,
    );
  }
  return {
    batch,
    layers: tapes.map(({ width, slots, c }, index) => {
      const where = `state.carried.layers[${index}]`;
      object(layers[index], where);
      const take = (part: 'h' | 'c') =>
        checkValues(layers[index][part], `${where}.${part}`, batch * slots * width);
      return c !== 0 ? { h: take('h'), c: take('c') } : { h: take('h') };
    }),
  };
}

function checkValues(values: unknown, what: string, count: number): Float32Array {
  if (!(values instanceof Float32Array))
    throw new ArgumentTypeError(`${what} must be a Float32Array, got ${show(values)}.`);
  if (values.length !== count)
    throw new ArgumentRangeError(`${what} needs ${count} values, got ${values.length}.`);
  return values;
}

/** A copy of the state that training carries on from. */
export function copyCarried(f32: Float32Array, program: TrainProgram, batch: number): Carried {
  if (batch === 0) return { batch, layers: [] };
  const layers = keptOf(program).map((kept) => {
    const copy = (address: number) => {
      const values = new Float32Array(batch * kept.slots * kept.width);
      forEachRow(kept, batch, (row, at) => {
        const from = (address + row * kept.ld) / 4;
        values.set(f32.subarray(from, from + kept.width), at);
      });
      return values;
    };
    return kept.c !== 0 ? { h: copy(kept.h), c: copy(kept.c) } : { h: copy(kept.h) };
  });
  return { batch, layers };
}

/** The reverse. */
export function placeCarried(f32: Float32Array, program: TrainProgram, { batch, layers }: Carried): void {
  if (batch === 0) return;
  for (const [index, kept] of keptOf(program).entries()) {
    const place = (address: number, values: Float32Array | undefined) => {
      if (values === undefined) return;
      forEachRow(kept, batch, (row, at) =>
        f32.set(values.subarray(at, at + kept.width), (address + row * kept.ld) / 4),
      );
    };
    place(kept.h, layers[index]!.h);
    place(kept.c, layers[index]!.c);
  }
}

/** Every row of a state, [slots][B], and where it stands in a tensor [B, slots · width]. */
function forEachRow({ slots, width }: Kept, batch: number, use: (row: number, at: number) => void): void {
  for (let b = 0; b < batch; b++)
    for (let slot = 0; slot < slots; slot++) use(slot * batch + b, (b * slots + slot) * width);
}
