import { cellOf, type StateName } from '#dist/model/cells.js';
import { fullFunc } from '#dist/model/functions.js';
import { kindOf } from '#dist/model/kinds.js';
import { endOf } from '#dist/model/recurrent.js';
import {
  blocksOf,
  type ConvSpec,
  type DelaySpec,
  directionsOf,
  isRecurrent,
  type LayerSpec,
  type ModelSpec,
  type RecurrentLayerSpec,
} from '#dist/model/spec.js';
import type { Tensor, Tensors } from '#dist/model/tensors.js';
import { feedsBack, sourcesOf, widthsOf } from '#dist/model/wiring.js';
import { affine, type Bounded, bounded, exact, join, logSoftmax, type Matrix, softmax } from './bounded.js';
import {
  type BlockState,
  type Gate,
  stepElmanRelu,
  stepElmanTanh,
  stepGruAfter,
  stepGruBefore,
  stepLstm,
} from './cells.js';
import { expandRows } from './dense.js';
import { applyFunc } from './functions.js';
import { generalStep } from './general.js';
import { combine, normalise, scale } from './layers.js';
import { stepNormedGru, stepNormedLstm } from './normed.js';
import { stepPast } from './past.js';
import { stepQrnn, stepSru } from './pointwise.js';
import { stepSlstm } from './slstm.js';
import { spectralBound } from './spectral.js';

/** State of one layer by the names of its parts, each [B, width]. */
export type OracleState = { h: Float64Array } & Partial<Record<StateName, Float64Array>>;
type GivenState = { h: ArrayLike<number> } & Partial<Record<StateName, ArrayLike<number> | undefined>>;

export interface OracleInput {
  steps: number;
  batch: number;
  /** one record per recurrent layer; zeros when left out */
  state?: readonly GivenState[] | undefined;
  /** [B], each within 0..steps */
  lengths?: ArrayLike<number> | undefined;
  /** by the names of layers which of their blocks update in which steps, [T, N] */
  updates?: Readonly<Record<string, ArrayLike<number>>> | undefined;
}

export interface OracleRun {
  /** [T, B, O] */
  y: Float64Array;
  /** [T, B, O]: an f32 program's y differs from the oracle's by at most this */
  bound: Float64Array;
  state: OracleState[];
  /** the same bound for each state */
  stateBound: OracleState[];
}

/**
 * Runs layers in f64, one step and one stream at a time, and bounds what an f32 program may be off.
 *
 * A worst case grows with the number of steps. Dense layers of 64 units and more lose a useful bound after some
 * ten steps; follow.ts checks a long run of those one step at a time, where nothing accumulates.
 *
 * @param x [T, B, I], or ids [T, B] when the first layer is an embedding
 */
export function runOracle(
  spec: ModelSpec,
  tensors: Tensors,
  x: ArrayLike<number>,
  input: OracleInput,
): OracleRun {
  const { steps } = input;
  let { outputs, ...result } = runLayers(spec, tensors, x, input);
  // A pass is right one step further than what it has of later layers, which is of the pass before; states come last.
  if (feedsBack(spec))
    for (let pass = 0; pass < steps; pass++)
      ({ outputs, ...result } = runLayers(spec, tensors, x, input, outputs));
  const lengthOf = (b: number) => input.lengths?.[b] ?? steps;
  const frames = outputs.at(-1)!;
  // Past its length a stream's output is zero, whatever the last layer would make of a zero.
  const nothing = exact(new Float64Array(frames[0]?.[0]?.value.length ?? 0));
  const y = frames.flatMap((frame, t) => frame.map((vector, b) => (t < lengthOf(b) ? vector : nothing)));
  return {
    y: concatenate(y.map((vector) => vector.value)),
    bound: concatenate(y.map((vector) => vector.error)),
    ...result,
  };
}

/**
 * Every layer after the other over the whole sequence.
 * @param later what layers give that delays read before they are there; zeros when left out
 * @returns what each layer gives, [T][B], and the states
 */
function runLayers(
  spec: ModelSpec,
  tensors: Tensors,
  x: ArrayLike<number>,
  input: OracleInput,
  later?: readonly Bounded[][][],
): Pick<OracleRun, 'state' | 'stateBound'> & { outputs: Bounded[][][] } {
  const { steps, batch } = input;
  const lengthOf = (b: number) => input.lengths?.[b] ?? steps;
  const result: Pick<OracleRun, 'state' | 'stateBound'> = { state: [], stateBound: [] };
  const sources = sourcesOf(spec);
  const widths = widthsOf(spec);
  const given = splitInput(x, steps, batch);
  const zeros = (width: number) => given.map((frame) => frame.map(() => exact(new Float64Array(width))));
  const outputs: Bounded[][][] = [];
  for (const [index, layer] of spec.layers.entries()) {
    const read = sources[index]!.map((source) =>
      source < 0 ? given : (outputs[source] ?? later?.[source] ?? zeros(widths[source]!)),
    );
    const frames = zip(read, layer.kind === 'combine' ? (parts) => combine(layer.combine, parts) : join);
    if (isRecurrent(layer)) {
      const ways = directionsOf(layer).map((direction) => {
        const before = input.state?.[result.state.length];
        const mask = input.updates?.[layer.name];
        const { frames: way, after } = recur(layer, direction, tensors, frames, before, lengthOf, mask);
        const names = cellOf(layer).states;
        result.state.push(gatherState(names, after, (vector) => vector.value));
        result.stateBound.push(gatherState(names, after, (vector) => vector.error));
        return way;
      });
      outputs.push(zip(ways, join));
    } else if (layer.kind === 'conv' || layer.kind === 'delay') {
      const before = input.state?.[result.state.length]?.h;
      const { frames: own, after } = lookBack(layer, tensors, frames, before, lengthOf);
      result.state.push(gatherState(['h'], after, (vector) => vector.value));
      result.stateBound.push(gatherState(['h'], after, (vector) => vector.error));
      outputs.push(own);
    } else {
      outputs.push(mapFrames(frames, layerOf(layer, tensors)));
    }
  }
  return { outputs, ...result };
}

/** One direction of a recurrent layer: what it gives, and the state of each stream behind its last step. */
function recur(
  layer: RecurrentLayerSpec,
  direction: 'forward' | 'reverse',
  tensors: Tensors,
  frames: readonly Bounded[][],
  before: GivenState | undefined,
  lengthOf: (b: number) => number,
  mask: ArrayLike<number> | undefined,
): { frames: Bounded[][]; after: BlockState[][] } {
  const steps = frames.length;
  const updates = (t: number, n: number) => mask === undefined || mask[t * (mask.length / steps) + n] !== 0;
  // Units that recur without a matrix are the oracle's one block, and their own in the mask.
  const each = cellOf(layer).recurs ? undefined : updates;
  const end = endOf(direction);
  const blocks = readBlocks(layer, tensors, steps, end);
  const step = stepOf(layer, tensors, end);
  const outputs: Bounded[][] = frames.map(() => []);
  const after = frames[0]!.map((_, b) => {
    const length = lengthOf(b);
    let state = readState(layer, before, b);
    for (let k = 0; k < steps; k++) {
      const t = direction === 'reverse' && k < length ? length - 1 - k : k;
      if (k < length) {
        state = blocks.map((gates, n) => {
          const now = state[n]!;
          if (each === undefined && !updates(t, n)) return now;
          const next = step(gates, frames[t]![b]!, now);
          return each === undefined ? next : choose(next, now, (unit) => each(t, unit));
        });
      }
      outputs[t]![b] = join(state.map((block) => block.h));
    }
    return state;
  });
  return { frames: outputs, after };
}

/** The next state of some units, and of the others the one before. */
function choose(next: BlockState, before: BlockState, updates: (unit: number) => boolean): BlockState {
  const names = Object.keys(next) as StateName[];
  const parts = names.map((name) => {
    const [a, b] = [next[name]!, before[name]!];
    const pick = (from: Float64Array, otherwise: Float64Array) =>
      from.map((value, unit) => (updates(unit) ? value : otherwise[unit]!));
    return [name, bounded(pick(a.value, b.value), pick(a.error, b.error), Number.POSITIVE_INFINITY)];
  });
  return Object.fromEntries(parts) as BlockState;
}

/** A layer that looks back: what it gives, and of each stream the inputs that it still needs. */
function lookBack(
  layer: ConvSpec | DelaySpec,
  tensors: Tensors,
  frames: readonly Bounded[][],
  before: ArrayLike<number> | undefined,
  lengthOf: (b: number) => number,
): { frames: Bounded[][]; after: BlockState[][] } {
  const { size } = layer;
  const kept = layer.kind === 'conv' ? layer.width - 1 : (layer.steps ?? 1);
  const outputs: Bounded[][] = frames.map(() => []);
  const after = frames[0]!.map((_, b) => {
    let past = Array.from({ length: kept }, (_, k) =>
      exact(Float64Array.from({ length: size }, (_, i) => before?.[(b * kept + k) * size + i] ?? 0)),
    );
    for (const [t, frame] of frames.entries()) {
      const step = stepPast(layer, tensors, past, frame[b]!);
      outputs[t]![b] = step.y;
      if (t < lengthOf(b)) past = step.past;
    }
    return past.map((h) => ({ h }));
  });
  return { frames: outputs, after };
}

/** What a layer without a state makes of a vector; a combination has been made by then. */
function layerOf(
  layer: Exclude<LayerSpec, RecurrentLayerSpec | ConvSpec | DelaySpec>,
  tensors: Tensors,
): (vector: Bounded) => Bounded {
  const tensor = (field: string) => tensors[`${layer.name}.${field}`];
  switch (layer.kind) {
    case 'embedding': {
      const { size } = layer;
      const { data } = tensor('weight')!;
      return (id) => exact(data.subarray(id.value[0]! * size, (id.value[0]! + 1) * size));
    }
    case 'linear': {
      const { inputSize, outputSize, blocks = 1 } = layer;
      const [width, height] = [inputSize / blocks, outputSize / blocks];
      const parts = Array.from({ length: blocks }, (_, n) => {
        const weights = tensor('weight')!.data.subarray(n * height * width, (n + 1) * height * width);
        const biases = layer.bias === false ? [] : [tensor('bias')!.data.subarray(n * height)];
        return (vector: Bounded) => {
          const own = cut(vector, n * width, (n + 1) * width);
          return affine([{ matrix: { weights, height, width }, vector: own }], biases);
        };
      });
      return (vector) => join(parts.map((part) => part(vector)));
    }
    case 'activation': {
      const { activation } = layer;
      if (activation === 'softmax') return softmax;
      if (activation === 'logSoftmax') return logSoftmax;
      const func = fullFunc({ ...layer, function: activation });
      // The program has them as floats.
      const [alpha, beta] = [Math.fround(func.alpha), Math.fround(func.beta)];
      return (vector) => applyFunc({ function: activation, alpha, beta }, vector);
    }
    case 'combine':
      return (vector) => vector;
    case 'scale':
      return (vector) => scale(vector, tensor('weight')!.data, tensor('bias')!.data);
    case 'norm':
      return (vector) => normalise(vector, layer, tensor('weight')!.data, tensor('bias')?.data);
    case 'shuffle': {
      const order = [...tensor('order')!.data];
      const pick = (values: Float64Array) => Float64Array.from(order, (from) => values[from]!);
      return ({ value, error, norm }) => bounded(pick(value), pick(error), norm);
    }
    case 'slice':
      return (vector) => cut(vector, layer.from, layer.to);
  }
}

/** Several values one beside another, step by step and stream by stream. */
function zip(values: readonly Bounded[][][], make: (parts: readonly Bounded[]) => Bounded): Bounded[][] {
  const [first] = values;
  if (values.length === 1) return first!;
  return first!.map((frame, t) => frame.map((_, b) => make(values.map((value) => value[t]![b]!))));
}

function cut({ value, error, norm }: Bounded, from: number, to: number): Bounded {
  return bounded(value.slice(from, to), error.slice(from, to), norm);
}

function stepOf(
  layer: RecurrentLayerSpec,
  tensors: Tensors,
  end: string,
): (gates: readonly Gate[], x: Bounded, state: BlockState) => BlockState {
  const of = (tensor: string) => tensors[`${layer.name}.${tensor}${end}`]!.data;
  switch (layer.kind) {
    case 'slstm':
      return stepSlstm;
    case 'lnlstm':
      return stepNormedLstm(layer, of);
    case 'lngru':
      return stepNormedGru(layer, of);
    case 'sru':
      return stepSru(layer);
    case 'qrnn':
      return stepQrnn;
  }
  if (cellOf(layer).isFamily) {
    const projection = tensors[`${layer.name}.weight_hr${end}`];
    return generalStep(layer, projection && matrixOf(projection));
  }
  switch (layer.kind) {
    case 'lstm':
      return stepLstm;
    case 'gru':
      return layer.resetAfter === false ? stepGruBefore : stepGruAfter;
    case 'elman':
      return layer.activation === 'relu' ? stepElmanRelu : stepElmanTanh;
  }
}

/**
 * Blocks of a layer for the oracle, by their units: those that recur alone need none, and where all meet it takes the
 * dense matrix.
 */
function blocksHere(layer: RecurrentLayerSpec): { first: number; units: number }[] {
  const { hiddenSize } = layer;
  const { recurs, meets } = cellOf(layer);
  const blocks = recurs && !meets ? blocksOf(layer) : 1;
  const sizes =
    ('blockSizes' in layer ? layer.blockSizes : undefined) ??
    new Array<number>(blocks).fill(hiddenSize / blocks);
  let first = 0;
  return sizes.map((units) => {
    first += units;
    return { first: first - units, units };
  });
}

/**
 * The gates of each block. Row g H + n D + i is gate g of unit i of block n, so a gate of a block is D rows in
 * one piece; in weight_hh [G H, D] they read that block's own D states.
 */
function readBlocks(layer: RecurrentLayerSpec, tensors: Tensors, steps: number, end: string): Gate[][] {
  const { name, inputSize, hiddenSize, inputBlocks = 1 } = layer;
  const { gates: count, recurs, columns } = cellOf(layer);
  const recurrent = recurs ? recurrentOf(layer, tensors[`${name}.weight_hh${end}`]!) : undefined;
  const width = recurrent?.shape[1] ?? 0;
  const rowsOf = (tensor: string, row: number, units: number, width: number) =>
    tensors[`${name}.${tensor}${end}`]!.data.subarray(row * width, (row + units) * width);
  /** the values of a gate's rows in those tensors of one value a row that have them */
  const columnsOf = (g: number, first: number, units: number, wanted: (tensor: string) => boolean) =>
    columns
      .filter(({ tensor, gates }) => wanted(tensor) && gates.includes(g))
      .map(({ tensor, gates }) => rowsOf(tensor, gates.indexOf(g) * hiddenSize + first, units, 1));
  /** input weights of a gate's rows, zeros where a unit does not read */
  const inputsOf = (row: number, units: number) => {
    const width = inputSize / inputBlocks;
    const own = rowsOf('weight_ih', row, units, width);
    const weights = new Float32Array(units * inputSize);
    for (let i = 0; i < units; i++) {
      const block = Math.floor((((row + i) % hiddenSize) * inputBlocks) / hiddenSize);
      weights.set(own.subarray(i * width, (i + 1) * width), i * inputSize + block * width);
    }
    return weights;
  };
  return blocksHere(layer).map(({ first, units }) =>
    Array.from({ length: count }, (_, g) => {
      const row = g * hiddenSize + first;
      const none = new Float32Array(units);
      // What a row has behind the states of its own block is not used.
      const depth = 'blockSizes' in layer && layer.blockSizes !== undefined ? units : width;
      const given = recurrent?.data.subarray(row * width, (row + units) * width) ?? new Float32Array(0);
      const hh = given.filter((_, i) => i % width < depth);
      // One step hands no error on to a next one.
      const stretch = recurrent && steps > 1 ? spectralBound(hh, units, depth) : undefined;
      return {
        ih: { weights: inputsOf(row, units), height: units, width: inputSize },
        hh: { weights: hh, height: units, width: depth, ...(stretch === undefined ? {} : { stretch }) },
        biasIh: columnsOf(g, first, units, (tensor) => tensor === 'bias_ih' || tensor === 'bias')[0] ?? none,
        biasHh: columnsOf(g, first, units, (tensor) => tensor === 'bias_hh')[0] ?? none,
        peephole: columnsOf(g, first, units, (tensor) => tensor.startsWith('weight_'))[0],
      };
    }),
  );
}

function recurrentOf(layer: RecurrentLayerSpec, weights: Tensor): Tensor {
  const { hiddenSize } = layer;
  return cellOf(layer).meets ? expandRows(weights, hiddenSize, hiddenSize / blocksOf(layer)) : weights;
}

function readState(layer: RecurrentLayerSpec, given: GivenState | undefined, b: number): BlockState[] {
  const widths = Object.entries(kindOf(layer).states!(layer)) as [StateName, number][];
  return blocksHere(layer).map(({ first, units }, _, all) => {
    const parts = widths.map(([part, width]) => {
      // What is projected is of one block, and narrower than its units.
      const count = all.length === 1 ? width : units;
      const from = b * width + first;
      return [part, exact(Array.from({ length: count }, (_, i) => given?.[part]?.[from + i] ?? 0))];
    });
    return Object.fromEntries(parts) as BlockState;
  });
}

function gatherState(
  names: readonly StateName[],
  streams: BlockState[][],
  part: (vector: Bounded) => Float64Array,
): OracleState {
  const blocks = streams.flat();
  const parts = names.map((name) => [name, concatenate(blocks.map((block) => part(block[name]!)))]);
  return Object.fromEntries(parts) as OracleState;
}

function splitInput(x: ArrayLike<number>, steps: number, batch: number): Bounded[][] {
  const width = x.length / (steps * batch);
  if (!Number.isInteger(width)) {
    throw new Error(`x has ${x.length} values, which ${steps} steps of ${batch} streams do not divide.`);
  }
  return Array.from({ length: steps }, (_, t) =>
    Array.from({ length: batch }, (_, b) =>
      exact(Array.from({ length: width }, (_, i) => x[(t * batch + b) * width + i]!)),
    ),
  );
}

function matrixOf({ shape, data }: Tensor): Matrix {
  return { weights: data, height: shape[0]!, width: shape[1]! };
}

function mapFrames(frames: Bounded[][], f: (vector: Bounded) => Bounded): Bounded[][] {
  return frames.map((frame) => frame.map(f));
}

function concatenate(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
