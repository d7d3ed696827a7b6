import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { integer, show } from '../base/guards.js';
import { cellOf } from './cells.js';
import { checkFunc, type Func } from './functions.js';
import { Given } from './given.js';
import {
  blocksOf,
  type Direction,
  directionsOf,
  type ElmanSpec,
  type GruSpec,
  type LstmSpec,
  type RecurrentLayerSpec,
  type StripShape,
  type StripsSpec,
} from './spec.js';
import { stripRows, stripSizes } from './strips.js';

/** What all recurrent kinds have in common. */
const shared = {
  reads: ({ inputSize }: RecurrentLayerSpec) => inputSize,
  gives: (layer: RecurrentLayerSpec) => layer.hiddenSize * directionsOf(layer).length,
};

export const lstm = {
  ...shared,
  check(given: Given) {
    const fields: Omit<LstmSpec, 'kind' | 'name'> = checkShared(given);
    const activations = checkFuncs(given, ['sigmoid', 'tanh', 'tanh']);
    if (activations !== undefined) fields.activations = activations;
    if (given.flag('coupled', false)) fields.coupled = true;
    if (given.flag('peepholes', false)) fields.peepholes = true;
    return fields;
  },
  tensors: (layer: LstmSpec) =>
    tensorsOf(layer, layer.peepholes ? { weight_peephole: [3 * layer.hiddenSize] } : {}),
};

export const gru = {
  ...shared,
  check(given: Given) {
    const fields: Omit<GruSpec, 'kind' | 'name'> = checkShared(given);
    fields.resetAfter = given.flag('resetAfter', true);
    const activations = checkFuncs(given, ['sigmoid', 'tanh']);
    if (activations !== undefined) fields.activations = activations;
    return fields;
  },
  tensors: (layer: GruSpec) => tensorsOf(layer),
};

export const elman = {
  ...shared,
  check(given: Given) {
    const fields: Omit<ElmanSpec, 'kind' | 'name'> = checkShared(given);
    fields.activation = checkFunc(given.fields.activation ?? 'tanh', given.what('activation'));
    return fields;
  },
  tensors: (layer: ElmanSpec) => tensorsOf(layer),
};

/** Every default that a spec has always had is written out; what was added later only where it is not the default. */
function checkShared(
  given: Given,
): Pick<LstmSpec, 'inputSize' | 'hiddenSize' | 'blocks' | 'strips' | 'direction' | 'clip'> {
  const inputSize = given.size('inputSize');
  const hiddenSize = given.size('hiddenSize');
  const blocks = given.has('blocks') ? given.size('blocks') : 1;
  if (hiddenSize % blocks !== 0) {
    throw new ArgumentRangeError(
      `${given.what('blocks')} must divide hiddenSize; ${blocks} does not divide ${hiddenSize}.`,
    );
  }
  const direction: Direction = given.oneOf('direction', ['forward', 'reverse', 'bidirectional'], 'forward');
  const strips = checkStrips(given, hiddenSize);
  if (strips !== undefined && (blocks > 1 || direction !== 'forward'))
    throw new ArgumentRangeError(`${given.what('strips')} are for a layer with one block that goes forward.`);
  return {
    ...{ inputSize, hiddenSize, blocks },
    ...(strips === undefined ? {} : { strips }),
    ...(direction === 'forward' ? {} : { direction }),
    ...(given.has('clip') ? { clip: given.number('clip', Number.MIN_VALUE) } : {}),
  };
}

const shapes = Object.keys(stripSizes) as StripShape[];
/** Weights that strips may have: more is more than one typed array holds in current engines. */
const maxStripValues = 2 ** 31;

function checkStrips(given: Given, hiddenSize: number): StripsSpec | undefined {
  const value = given.fields.strips;
  if (value === undefined) return undefined;
  if (value === null || typeof value !== 'object')
    throw new ArgumentTypeError(
      `${given.what('strips')} must be an object { shape, count }, got ${show(value)}.`,
    );
  const own = new Given(value as Record<string, unknown>, given.what('strips'));
  const shape = own.oneOf('shape', shapes);
  const { rows, columns } = stripSizes[shape];
  if (columns > hiddenSize)
    throw new ArgumentRangeError(
      `${own.what('shape')} ${shape} needs a hiddenSize of ${columns} at least, it is ${hiddenSize}.`,
    );
  const count = integer(own.fields.count, own.what('count'), 0, maxStripValues / (rows * columns));
  return { shape, count, diagonal: own.flag('diagonal', false) };
}

/** The functions of a cell; undefined when they are what they are without being said. */
function checkFuncs(given: Given, otherwise: readonly Func[]): Func[] | undefined {
  const value = given.fields.activations;
  if (value === undefined) return undefined;
  const what = given.what('activations');
  if (!Array.isArray(value) || value.length !== otherwise.length)
    throw new ArgumentTypeError(`${what} must be ${otherwise.length} functions, got ${show(value)}.`);
  const checked = value.map((func, index) => checkFunc(func, `${what}[${index}]`));
  return checked.every((func, index) => func === otherwise[index]) ? undefined : checked;
}

function tensorsOf(layer: RecurrentLayerSpec, more: Record<string, number[]> = {}): Record<string, number[]> {
  const { gates } = cellOf(layer);
  const rows = gates * layer.hiddenSize;
  const one = {
    weight_ih: [rows, layer.inputSize],
    ...recurrentTensors(layer, gates),
    bias_ih: [rows],
    bias_hh: [rows],
    ...more,
  };
  const all: Record<string, number[]> = {};
  for (const direction of directionsOf(layer)) {
    for (const [field, shape] of Object.entries(one)) all[`${field}${endOf(direction)}`] = shape;
  }
  return all;
}

function recurrentTensors(layer: RecurrentLayerSpec, gates: number): Record<string, number[]> {
  const { hiddenSize, strips } = layer;
  if (strips === undefined) return { weight_hh: [gates * hiddenSize, hiddenSize / blocksOf(layer)] };
  const { rows, columns } = stripSizes[strips.shape];
  return {
    weight_hh: [strips.count, rows * columns],
    strips: [gates * stripRows(strips, hiddenSize) + strips.count],
    ...(strips.diagonal ? { diagonal: [gates * hiddenSize] } : {}),
  };
}

/** What the names of a direction's tensors and of its state end in. */
export function endOf(direction: 'forward' | 'reverse'): string {
  return direction === 'reverse' ? '_reverse' : '';
}
