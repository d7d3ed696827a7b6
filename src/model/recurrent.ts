import { ArgumentRangeError, ArgumentTypeError, UnsupportedError } from '../base/errors.js';
import { integer, show } from '../base/guards.js';
import { checkBlockSizes, depthOf } from './blocks.js';
import { cellOf } from './cells.js';
import { checkFunc, type Func } from './functions.js';
import { Given } from './given.js';
import {
  type Direction,
  directionsOf,
  type ElmanSpec,
  type GruSpec,
  type LnGruSpec,
  type LnLstmSpec,
  type LstmSpec,
  outputsOf,
  type QrnnSpec,
  type RecurrentLayerSpec,
  type SlstmSpec,
  type SruSpec,
  type StripShape,
  type StripsSpec,
  stripsOf,
} from './spec.js';
import { stripRows, stripSizes } from './strips.js';

/** What all recurrent kinds have in common. */
const shared = {
  reads: ({ inputSize }: RecurrentLayerSpec) => inputSize,
  gives: (layer: RecurrentLayerSpec) => outputsOf(layer) * directionsOf(layer).length,
  states: (layer: RecurrentLayerSpec) =>
    Object.fromEntries(
      cellOf(layer).states.map((state) => [state, state === 'h' ? outputsOf(layer) : layer.hiddenSize]),
    ),
  tensors: tensorsOf,
};

export const lstm = {
  ...shared,
  check(given: Given) {
    const fields: Omit<LstmSpec, 'kind' | 'name'> = { ...checkGates(given), ...checkMore(given) };
    const activations = checkFuncs(given, ['sigmoid', 'tanh', 'tanh']);
    if (activations !== undefined) fields.activations = activations;
    if (given.flag('coupled', false)) fields.coupled = true;
    if (given.flag('peepholes', false)) fields.peepholes = true;
    if (given.has('projectionSize')) fields.projectionSize = checkProjection(given, fields);
    return { ...fields, ...checkRate(given, 'zoneoutCell') };
  },
};

export const gru = {
  ...shared,
  check(given: Given) {
    const fields: Omit<GruSpec, 'kind' | 'name'> = { ...checkGates(given), ...checkMore(given) };
    fields.resetAfter = given.flag('resetAfter', true);
    const activations = checkFuncs(given, ['sigmoid', 'tanh']);
    if (activations !== undefined) fields.activations = activations;
    return fields;
  },
};

export const elman = {
  ...shared,
  check(given: Given) {
    const fields: Omit<ElmanSpec, 'kind' | 'name'> = { ...checkGates(given), ...checkMore(given) };
    fields.activation = checkFunc(given.fields.activation ?? 'tanh', given.what('activation'));
    return fields;
  },
};

export const slstm = { ...shared, check: checkBlocks };

export const lnlstm = { ...shared, check: checkNormed };
export const lngru = { ...shared, check: checkNormed };

export const sru = {
  ...shared,
  check(given: Given) {
    const fields: Omit<SruSpec, 'kind' | 'name'> = { ...checkSizes(given), ...checkDirection(given) };
    if (!given.has('scale')) return fields;
    const scale = given.number('scale');
    if (fields.inputSize !== fields.hiddenSize)
      throw new ArgumentRangeError(
        `${given.what('scale')} is of x as it comes past the cell; with another inputSize than hiddenSize, weight_ih has a matrix for that.`,
      );
    return scale === 1 ? fields : { ...fields, scale };
  },
};

export const qrnn = {
  ...shared,
  check: (given: Given): Omit<QrnnSpec, 'kind' | 'name'> => ({
    ...checkSizes(given),
    ...checkDirection(given),
  }),
};

function checkSizes(given: Given): { inputSize: number; hiddenSize: number; inputBlocks?: number } {
  const sizes = { inputSize: given.size('inputSize'), hiddenSize: given.size('hiddenSize') };
  const inputBlocks = given.divisor('inputBlocks', sizes);
  return inputBlocks === 1 ? sizes : { ...sizes, inputBlocks };
}

/** Every default that a spec has always had is written out; what was added later only where it is not the default. */
function checkDirection(given: Given): { direction?: Direction } {
  const direction: Direction = given.oneOf('direction', ['forward', 'reverse', 'bidirectional'], 'forward');
  return direction === 'forward' ? {} : { direction };
}

function checkBlocks(given: Given): Omit<SlstmSpec, 'kind' | 'name'> {
  const sizes = checkSizes(given);
  const blocks = checkBlockSizes(given, sizes.hiddenSize);
  if (sizes.inputBlocks !== undefined && blocks.blockSizes !== undefined)
    throw new UnsupportedError(
      `${given.what('inputBlocks')} of a layer with blockSizes are not supported.`,
      'layer inputBlocks',
    );
  return { ...sizes, ...blocks, ...checkDirection(given) };
}

function checkNormed(given: Given): Omit<LnLstmSpec | LnGruSpec, 'kind' | 'name'> {
  if (given.has('blockSizes'))
    throw new UnsupportedError(
      `${given.what('blockSizes')} of a layer whose units all meet are not supported.`,
      'layer blockSizes',
    );
  const { blocks, blockSizes: _, ...fields } = checkBlocks(given);
  const epsilon = given.has('epsilon') ? given.number('epsilon', Number.MIN_VALUE) : 1e-5;
  return { ...fields, ...(blocks === 1 ? {} : { blocks }), epsilon };
}

/** Blocks, or strips. */
function checkGates(given: Given) {
  const fields = checkBlocks(given);
  const strips = checkStrips(given, fields.hiddenSize);
  if (strips === undefined) return fields;
  if (fields.blocks !== 1 || fields.direction !== undefined || given.has('projectionSize'))
    throw new ArgumentRangeError(
      `${given.what('strips')} are for a layer with one block that goes forward and gives all of its units.`,
    );
  return { ...fields, strips };
}

/** What each of these cells may say beside its sizes. */
function checkMore(given: Given): { clip?: number; zoneout?: number } {
  const clip = given.has('clip') ? { clip: given.number('clip', Number.MIN_VALUE) } : {};
  return { ...clip, ...checkRate(given, 'zoneout') };
}

/** A probability; nothing where it is 0. */
function checkRate<F extends string>(given: Given, field: F): { [K in F]?: number } {
  const rate = given.has(field) ? given.number(field, 0, 1) : 0;
  return (rate === 0 ? {} : { [field]: rate }) as { [K in F]?: number };
}

function checkProjection(
  given: Given,
  { hiddenSize, blocks }: { hiddenSize: number; blocks?: number },
): number {
  const size = given.size('projectionSize');
  if (size >= hiddenSize)
    throw new ArgumentRangeError(
      `${given.what('projectionSize')} must be less than hiddenSize, ${hiddenSize}; got ${size}.`,
    );
  if (blocks !== 1)
    throw new ArgumentRangeError(
      `${given.what('projectionSize')} is for a dense layer: what recurs is of all blocks. ${blocks === undefined ? 'blockSizes are given' : `blocks is ${blocks}`}.`,
    );
  return size;
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

function tensorsOf(layer: RecurrentLayerSpec): Record<string, number[]> {
  const { gates, recurs, columns } = cellOf(layer);
  const { inputSize, hiddenSize, inputBlocks = 1 } = layer;
  const projection = layer.kind === 'lstm' ? layer.projectionSize : undefined;
  const one: Record<string, number[]> = { weight_ih: [gates * hiddenSize, inputSize / inputBlocks] };
  const strips = stripsOf(layer);
  if (strips !== undefined) Object.assign(one, stripTensors(strips, gates, hiddenSize));
  else if (recurs) one.weight_hh = [gates * hiddenSize, projection ?? depthOf(layer)];
  for (const column of columns) one[column.tensor] = [column.gates.length * hiddenSize];
  if (projection !== undefined) one.weight_hr = [projection, hiddenSize];
  const all: Record<string, number[]> = {};
  for (const direction of directionsOf(layer)) {
    for (const [field, shape] of Object.entries(one)) all[`${field}${endOf(direction)}`] = shape;
  }
  return all;
}

function stripTensors(strips: StripsSpec, gates: number, hiddenSize: number): Record<string, number[]> {
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
