import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { integer, object, show } from '../base/guards.js';
import type { ModelSpec } from '../model/spec.js';
import { checkTensors, type Tensors } from '../model/tensors.js';
import { checkTied, prefixes } from './plan/place.js';
import type { RecurrentTape, StateTape, TrainProgram } from './plan/program.js';
import type { CarriedState, TrainerState } from './types.js';

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

function recurrentOf({ ops }: TrainProgram): RecurrentTape[] {
  return ops.filter((op) => op.op === 'recurrent');
}

function checkCarried(program: TrainProgram, carried: Carried): Carried {
  object(carried, 'state.carried');
  const batch = integer(carried.batch, 'state.carried.batch', 0, program.capacity.batch);
  if (batch === 0) return { batch, layers: [] };
  const tapes = recurrentOf(program);
  const layers: unknown = carried.layers;
  if (!Array.isArray(layers))
    throw new ArgumentTypeError(`state.carried.layers must be an array, got ${show(layers)}.`);
  if (layers.length !== tapes.length) {
    throw new ArgumentRangeError(
      `state.carried.layers needs ${tapes.length} records, one per recurrent layer, got ${layers.length}.`,
    );
  }
  return {
    batch,
    layers: tapes.map(({ states }, index) => {
      const where = `state.carried.layers[${index}]`;
      object(layers[index], where);
      return byName(states, ({ name, width }) =>
        checkValues(layers[index][name], `${where}.${name}`, batch * width),
      );
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
  const layers = recurrentOf(program).map(({ states }) =>
    byName(states, ({ kept: [address], ld, width }) => {
      const values = new Float32Array(batch * width);
      for (let b = 0; b < batch; b++) {
        const from = (address + b * ld) / 4;
        values.set(f32.subarray(from, from + width), b * width);
      }
      return values;
    }),
  );
  return { batch, layers };
}

/** The reverse. */
export function placeCarried(f32: Float32Array, program: TrainProgram, { batch, layers }: Carried): void {
  if (batch === 0) return;
  for (const [index, { states }] of recurrentOf(program).entries()) {
    for (const { name, kept, ld, width } of states) {
      const values = layers[index]![name]!;
      for (let b = 0; b < batch; b++)
        f32.set(values.subarray(b * width, (b + 1) * width), (kept[0] + b * ld) / 4);
    }
  }
}

function byName(states: readonly StateTape[], make: (state: StateTape) => Float32Array): CarriedState {
  return Object.fromEntries(states.map((state) => [state.name, make(state)])) as unknown as CarriedState;
}
