import { cellOf, type StateName } from '#dist/model/cells.js';
import { kindOf } from '#dist/model/kinds.js';
import { checkPlain, type PlainLayerSpec } from '#dist/model/plain.js';
import {
  blocksOf,
  type ConvSpec,
  type DelaySpec,
  isRecurrent,
  type ModelSpec,
  type RecurrentLayerSpec,
} from '#dist/model/spec.js';
import type { Tensor, Tensors } from '#dist/model/tensors.js';
import {
  affine,
  type Bounded,
  exact,
  join,
  logSoftmax,
  type Matrix,
  relu,
  sigmoid,
  softmax,
  tanh,
} from './bounded.js';
import {
  type BlockState,
  type Gate,
  stepElmanRelu,
  stepElmanTanh,
  stepGruAfter,
  stepGruBefore,
  stepLstm,
} from './cells.js';
import { generalStep } from './general.js';
import { stepNormed } from './normed.js';
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
 * Runs a stack of layers in f64, one step and one stream at a time, and bounds what an f32 program may be off.
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
  const { steps, batch } = input;
  const lengthOf = (b: number) => input.lengths?.[b] ?? steps;
  const result: Pick<OracleRun, 'state' | 'stateBound'> = { state: [], stateBound: [] };
  // frames[t][b] is what the next layer reads
  let frames = splitInput(x, steps, batch);
  for (const layer of checkPlain(spec, true).layers as (
    | PlainLayerSpec
    | RecurrentLayerSpec
    | ConvSpec
    | DelaySpec
  )[]) {
    if (isRecurrent(layer)) {
      const before = input.state?.[result.state.length];
      const after: BlockState[][] = [];
      const outputs: Bounded[][] = frames.map(() => []);
      const blocks = readBlocks(layer, tensors, steps);
      const step = stepOf(layer, tensors);
      for (let b = 0; b < batch; b++) {
        let state = readState(layer, before, b);
        for (let t = 0; t < steps; t++) {
          if (t < lengthOf(b)) state = blocks.map((gates, n) => step(gates, frames[t]![b]!, state[n]!));
          outputs[t]![b] = join(state.map((block) => block.h));
        }
        after.push(state);
      }
      frames = outputs;
      const names = cellOf(layer).states;
      result.state.push(gatherState(names, after, (vector) => vector.value));
      result.stateBound.push(gatherState(names, after, (vector) => vector.error));
    } else if (layer.kind === 'conv' || layer.kind === 'delay') {
      const before = input.state?.[result.state.length]?.h;
      const count = layer.kind === 'conv' ? layer.width - 1 : (layer.steps ?? 1);
      const after: BlockState[][] = [];
      const outputs: Bounded[][] = frames.map(() => []);
      for (let b = 0; b < batch; b++) {
        let past = Array.from({ length: count }, (_, k) =>
          exact(
            Float64Array.from(
              { length: layer.size },
              (_, i) => before?.[(b * count + k) * layer.size + i] ?? 0,
            ),
          ),
        );
        for (let t = 0; t < steps; t++) {
          const { y, past: seen } = stepPast(layer, tensors, past, frames[t]![b]!);
          outputs[t]![b] = y;
          if (t < lengthOf(b)) past = seen;
        }
        after.push(past.map((h) => ({ h })));
      }
      frames = outputs;
      result.state.push(gatherState(['h'], after, (vector) => vector.value));
      result.stateBound.push(gatherState(['h'], after, (vector) => vector.error));
    } else if (layer.kind === 'embedding') {
      const { data } = tensors[`${layer.name}.weight`]!;
      const { size } = layer;
      frames = mapFrames(frames, (id) =>
        exact(data.subarray(id.value[0]! * size, (id.value[0]! + 1) * size)),
      );
    } else if (layer.kind === 'linear') {
      const matrix = matrixOf(tensors[`${layer.name}.weight`]!);
      const biases = layer.bias === false ? [] : [tensors[`${layer.name}.bias`]!.data];
      frames = mapFrames(frames, (vector) => affine([{ matrix, vector }], biases));
    } else {
      frames = mapFrames(frames, { tanh, sigmoid, relu, softmax, logSoftmax }[layer.activation]);
    }
  }
  // Past its length a stream's output is zero, whatever the last layer would make of a zero.
  const nothing = exact(new Float64Array(frames[0]?.[0]?.value.length ?? 0));
  const outputs = frames.flatMap((frame, t) =>
    frame.map((vector, b) => (t < lengthOf(b) ? vector : nothing)),
  );
  return {
    y: concatenate(outputs.map((vector) => vector.value)),
    bound: concatenate(outputs.map((vector) => vector.error)),
    ...result,
  };
}

function stepOf(
  layer: RecurrentLayerSpec,
  tensors: Tensors,
): (gates: readonly Gate[], x: Bounded, state: BlockState) => BlockState {
  switch (layer.kind) {
    case 'slstm':
      return stepSlstm;
    case 'lnlstm': {
      const of = (tensor: string) => tensors[`${layer.name}.${tensor}`]!.data;
      const gains = {
        ih: of('gain_ih'),
        hh: of('gain_hh'),
        bias: of('bias'),
        c: of('gain_c'),
        biasC: of('bias_c'),
      };
      return stepNormed(layer, gains);
    }
    case 'sru':
      return stepSru(layer);
    case 'qrnn':
      return stepQrnn;
  }
  if (cellOf(layer).isFamily) {
    const projection = tensors[`${layer.name}.weight_hr`];
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

/** Blocks of a layer for the oracle: units that recur alone need none. */
function blocksHere(layer: RecurrentLayerSpec): number {
  return cellOf(layer).recurs ? blocksOf(layer) : 1;
}

/**
 * The gates of each block. Row g H + n D + i is gate g of unit i of block n, so a gate of a block is D rows in
 * one piece; in weight_hh [G H, D] they read that block's own D states.
 */
function readBlocks(layer: RecurrentLayerSpec, tensors: Tensors, steps: number): Gate[][] {
  const { name, inputSize, hiddenSize } = layer;
  const { gates: count, recurs, columns } = cellOf(layer);
  const blocks = blocksHere(layer);
  const units = hiddenSize / blocks;
  const width = recurs ? tensors[`${name}.weight_hh`]!.shape[1]! : 0;
  const rowsOf = (tensor: string, row: number, width: number) =>
    tensors[`${name}.${tensor}`]!.data.subarray(row * width, (row + units) * width);
  /** the values of a gate's rows in those tensors of one value a row that have them */
  const columnsOf = (g: number, n: number, wanted: (tensor: string) => boolean) =>
    columns
      .filter(({ tensor, gates }) => wanted(tensor) && gates.includes(g))
      .map(({ tensor, gates }) => rowsOf(tensor, gates.indexOf(g) * hiddenSize + n * units, 1));
  const none = new Float32Array(units);
  return Array.from({ length: blocks }, (_, n) =>
    Array.from({ length: count }, (_, g) => {
      const row = g * hiddenSize + n * units;
      const hh = recurs ? rowsOf('weight_hh', row, width) : [];
      // One step hands no error on to a next one.
      const stretch = recurs && steps > 1 ? spectralBound(hh, units, width) : undefined;
      return {
        ih: { weights: rowsOf('weight_ih', row, inputSize), height: units, width: inputSize },
        hh: { weights: hh, height: units, width, ...(stretch === undefined ? {} : { stretch }) },
        biasIh: columnsOf(g, n, (tensor) => tensor === 'bias_ih' || tensor === 'bias')[0] ?? none,
        biasHh: columnsOf(g, n, (tensor) => tensor === 'bias_hh')[0] ?? none,
        peephole: columnsOf(g, n, (tensor) => tensor.startsWith('weight_'))[0],
      };
    }),
  );
}

function readState(layer: RecurrentLayerSpec, given: GivenState | undefined, b: number): BlockState[] {
  const blocks = blocksHere(layer);
  const widths = Object.entries(kindOf(layer).states!(layer)) as [StateName, number][];
  return Array.from({ length: blocks }, (_, n) => {
    const parts = widths.map(([part, width]) => {
      const units = width / blocks;
      const from = b * width + n * units;
      return [part, exact(Array.from({ length: units }, (_, i) => given?.[part]?.[from + i] ?? 0))];
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
