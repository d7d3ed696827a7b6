import { cellOf } from '#dist/model/cells.js';
import { checkPlain } from '#dist/model/plain.js';
import { blocksOf, isRecurrent, type ModelSpec, type RecurrentLayerSpec } from '#dist/model/spec.js';
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
import { spectralBound } from './spectral.js';

/** State of one recurrent layer: h [B, H], and c [B, H] for an LSTM. */
export interface OracleState {
  h: Float64Array;
  c?: Float64Array;
}

export interface OracleInput {
  steps: number;
  batch: number;
  /** one record per recurrent layer; zeros when left out */
  state?: readonly { h: ArrayLike<number>; c?: ArrayLike<number> | undefined }[] | undefined;
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
  for (const layer of checkPlain(spec, true).layers) {
    if (isRecurrent(layer)) {
      const before = input.state?.[result.state.length];
      const after: BlockState[][] = [];
      const outputs: Bounded[][] = frames.map(() => []);
      const blocks = readBlocks(layer, tensors, steps);
      for (let b = 0; b < batch; b++) {
        let state = readState(layer, before, b);
        for (let t = 0; t < steps; t++) {
          if (t < lengthOf(b))
            state = blocks.map((gates, n) => stepOf(layer)(gates, frames[t]![b]!, state[n]!));
          outputs[t]![b] = join(state.map((block) => block.h));
        }
        after.push(state);
      }
      frames = outputs;
      result.state.push(gatherState(after, (vector) => vector.value));
      result.stateBound.push(gatherState(after, (vector) => vector.error));
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
): (gates: readonly Gate[], x: Bounded, state: BlockState) => BlockState {
  if (cellOf(layer).isFamily) return generalStep(layer);
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
 * The gates of each block. Row g H + n D + i is gate g of unit i of block n, so a gate of a block is D rows in
 * one piece; in weight_hh [G H, D] they read that block's own D states.
 */
function readBlocks(layer: RecurrentLayerSpec, tensors: Tensors, steps: number): Gate[][] {
  const { name, inputSize, hiddenSize } = layer;
  const count = { lstm: 4, gru: 3, elman: 1 }[layer.kind];
  const units = hiddenSize / blocksOf(layer);
  const rowsOf = (tensor: string, row: number, width: number) =>
    tensors[`${name}.${tensor}`]!.data.subarray(row * width, (row + units) * width);
  // weight_peephole [3 H] is that of i f o, which are gates 0, 1 and 3.
  const peepholeOf = (g: number, n: number) => {
    const at = [0, 1, 3].indexOf(g);
    if (layer.kind !== 'lstm' || !layer.peepholes || at < 0) return undefined;
    return rowsOf('weight_peephole', at * hiddenSize + n * units, 1);
  };
  return Array.from({ length: blocksOf(layer) }, (_, n) =>
    Array.from({ length: count }, (_, g) => {
      const row = g * hiddenSize + n * units;
      const hh = rowsOf('weight_hh', row, units);
      // One step hands no error on to a next one.
      const stretch = steps > 1 ? spectralBound(hh, units, units) : undefined;
      return {
        ih: { weights: rowsOf('weight_ih', row, inputSize), height: units, width: inputSize },
        hh: { weights: hh, height: units, width: units, ...(stretch === undefined ? {} : { stretch }) },
        biasIh: rowsOf('bias_ih', row, 1),
        biasHh: rowsOf('bias_hh', row, 1),
        peephole: peepholeOf(g, n),
      };
    }),
  );
}

function readState(
  layer: RecurrentLayerSpec,
  given: { h: ArrayLike<number>; c?: ArrayLike<number> | undefined } | undefined,
  b: number,
): BlockState[] {
  const { hiddenSize } = layer;
  const units = hiddenSize / blocksOf(layer);
  const read = (values: ArrayLike<number> | undefined, n: number) =>
    exact(Array.from({ length: units }, (_, i) => values?.[b * hiddenSize + n * units + i] ?? 0));
  return Array.from({ length: blocksOf(layer) }, (_, n) => {
    const h = read(given?.h, n);
    return layer.kind === 'lstm' ? { h, c: read(given?.c, n) } : { h };
  });
}

function gatherState(streams: BlockState[][], part: (vector: Bounded) => Float64Array): OracleState {
  const blocks = streams.flat();
  const h = concatenate(blocks.map((block) => part(block.h)));
  if (blocks[0]?.c === undefined) return { h };
  return { h, c: concatenate(blocks.map((block) => part(block.c!))) };
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
