import { ArgumentRangeError, ArgumentTypeError, MismatchError } from '../base/errors.js';
import { integer, object, show } from '../base/guards.js';
import type { ModelSpec } from '../model/spec.js';
import { checkTensors, layerTensors, type Tensors } from '../model/tensors.js';
import { checkTied, fixedNames, prefixes } from './plan/place.js';
import type { TrainProgram } from './plan/program.js';
import type { StateTape } from './plan/recurrent-tape.js';
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
  const names = new Set(spec.layers.flatMap((layer) => Object.keys(layerTensors(layer))));
  const groups: Tensors[] = [{}, ...program.moments.map(() => ({}))];
  for (const [name, tensor] of Object.entries(state.tensors)) {
    const moment = prefixes.findIndex((prefix) => name.startsWith(prefix) && !names.has(name));
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
  const fixed = Object.fromEntries(fixedNames(spec).map((name) => [name, checked[name]!]));
  checkTied(program, checked);
  return {
    steps,
    weights: checked,
    moments: moments.map((moment) => {
      const other = Object.keys(fixed).find((name) => Object.hasOwn(moment, name));
      if (other !== undefined)
        throw new MismatchError(`tensor ${show(other)} belongs to no layer whose weights are trained.`);
      return checkTensors(spec, { ...moment, ...fixed });
    }),
    carried: checkCarried(program, state.carried),
  };
}

function otherOptimizer(moments: number): ArgumentRangeError {
  return new ArgumentRangeError(
    `the state is of another optimiser: this one keeps ${moments} numbers for each weight.`,
  );
}

/** A state that a layer carries from one batch to the next. */
interface Kept extends Pick<StateTape, 'name' | 'kept' | 'ld' | 'width'> {
  /** rows of each stream, [slots][B]: of a layer that looks back, the steps that it does */
  slots: number;
}

/** Of each layer that has states, in the spec's order: layers that come back to themselves may run in another. */
function keptOf({ ops, routes }: TrainProgram): Kept[][] {
  const all: Kept[][] = [];
  const layerOf = (index: number) => routes[index]!.layer;
  for (const index of [...ops.keys()].sort((a, b) => layerOf(a) - layerOf(b))) {
    const op = ops[index]!;
    if (op.op === 'recurrent' || op.op === 'ragged')
      all.push(op.states.map((state) => ({ ...state, slots: 1 })));
    if (op.op === 'conv' || op.op === 'delay') {
      const { kept, input, outputs: width, past: slots } = op;
      all.push([{ name: 'h', kept, ld: input.ld, width, slots }]);
    }
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
    layers: tapes.map((states, index) => {
      const where = `state.carried.layers[${index}]`;
      object(layers[index], where);
      return byName(states, ({ name, width, slots }) =>
        checkValues(layers[index][name], `${where}.${name}`, batch * slots * width),
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
  const layers = keptOf(program).map((states) =>
    byName(states, (state) => {
      const { kept, ld, width, slots } = state;
      const values = new Float32Array(batch * slots * width);
      forEachRow(state, batch, (row, at) => {
        const from = (kept[0] + row * ld) / 4;
        values.set(f32.subarray(from, from + width), at);
      });
      return values;
    }),
  );
  return { batch, layers };
}

/** The reverse. */
export function placeCarried(f32: Float32Array, program: TrainProgram, { batch, layers }: Carried): void {
  if (batch === 0) return;
  for (const [index, states] of keptOf(program).entries()) {
    for (const state of states) {
      const { name, kept, ld, width } = state;
      const values = layers[index]![name]!;
      forEachRow(state, batch, (row, at) =>
        f32.set(values.subarray(at, at + width), (kept[0] + row * ld) / 4),
      );
    }
  }
}

/** Every row of a state, [slots][B], and where it stands in a tensor [B, slots · width]. */
function forEachRow({ slots, width }: Kept, batch: number, use: (row: number, at: number) => void): void {
  for (let b = 0; b < batch; b++)
    for (let slot = 0; slot < slots; slot++) use(slot * batch + b, (b * slots + slot) * width);
}

function byName(states: readonly Kept[], make: (state: Kept) => Float32Array): CarriedState {
  return Object.fromEntries(states.map((state) => [state.name, make(state)])) as unknown as CarriedState;
}
