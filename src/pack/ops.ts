import { type Layout, roundUp } from '../memory/layout.js';
import { type BlockRun, blockRunsOf } from '../model/blocks.js';
import { cellOf, type StateName, vectorsOf } from '../model/cells.js';
import { kindOf } from '../model/kinds.js';
import type { PlainActivationSpec } from '../model/plain.js';
import {
  type EmbeddingSpec,
  type LayerSpec,
  type LinearSpec,
  type RecurrentLayerSpec,
  stripsOf,
} from '../model/spec.js';
import type { LinearOp, Op, RecurrentOp, Shuffle, StatePlan } from './program.js';
import { lanes, panelRows, partRows, phasesOf } from './rows.js';

/** Units in a part of a diagonal layer. */
const diagonalUnits = 32;

/** What every operation has, before its own. */
export type Placed = Pick<LinearOp, 'name' | 'layer' | 'x' | 'y'>;

const activations = {
  tanh: 'tanh_f32',
  sigmoid: 'sigmoid_f32',
  relu: 'relu_f32',
  softmax: 'softmax_f32',
  logSoftmax: 'log_softmax_f32',
} as const;

/**
 * The operation of a layer that plain kernels run and that does not recur, with room for its weights in the layout.
 * @param outputs features that it gives
 * @param shuffles of its input, which its weights take in
 */
export function planPlain(
  layer: EmbeddingSpec | LinearSpec | PlainActivationSpec,
  placed: Placed,
  outputs: number,
  layout: Layout,
  shuffles: Shuffle[] = [],
): Op {
  if (layer.kind === 'activation')
    return { op: 'activation', ...placed, kernel: activations[layer.activation], outputs };
  if (layer.kind === 'embedding') {
    const { count } = layer;
    return { op: 'embedding', ...placed, count, outputs, table: layout.place(count * outputs) };
  }
  const { inputSize: inputs } = layer;
  const rows = roundUp(outputs, panelRows);
  return {
    op: 'linear',
    ...placed,
    shuffles,
    inputs,
    outputs,
    panels: rows / panelRows,
    weight: layout.place(rows * inputs),
    bias: layout.place(rows),
  };
}

/** What workers can own of a recurrent layer, units in each part, and units that read each other. */
type Parts = Pick<RecurrentOp, 'parts' | 'units' | 'block' | 'diagonal'>;

/** Parts are a layer's blocks, or runs of units of a diagonal one; where all units meet in every step there is one. */
export function partsOf(
  layer: RecurrentLayerSpec,
  { count, units: depth }: BlockRun = blockRunsOf(layer)[0]!,
): Parts {
  const hidden = count * depth;
  const diagonal = depth === 1 && stripsOf(layer) === undefined;
  if (cellOf(layer).meets) return { parts: 1, units: hidden, block: diagonal ? hidden : depth, diagonal };
  const units = diagonal ? Math.min(diagonalUnits, hidden) : depth;
  return { parts: Math.ceil(hidden / units), units, block: units, diagonal };
}

/** In what the weights of a recurrent layer of a graph may differ from those of a stack. */
export interface Weights {
  /** units are padded to a multiple of it; default: a vector */
  step?: number;
  /** features that a panel of weight_ih reads; default: all */
  inputs?: number;
  /** states that a row of weight_hh meets, 0 where there are no panels of it; default: those of a block */
  depth?: number;
}

/** The operation of blocks of one size of a recurrent layer, with room for its weights in the layout. */
export function planRecurrent(
  layer: RecurrentLayerSpec,
  run: BlockRun,
  placed: Placed & Pick<RecurrentOp, 'end' | 'state' | 'first' | 'mask' | 'shuffles'>,
  layout: Layout,
  weights: Weights = {},
): RecurrentOp {
  const cell = cellOf(layer);
  const hidden = run.count * run.units;
  const { parts, units, block, diagonal } = partsOf(layer, run);
  const { step = lanes, inputs = layer.inputSize, depth = diagonal ? 1 : block } = weights;
  const rows = (units / block) * partRows(cell, block, step);
  const all = parts * rows;
  const vectors = vectorsOf(cell);
  return {
    op: 'recurrent',
    ...placed,
    cell: cell.code,
    inputs,
    windows: 0,
    hidden,
    parts,
    units,
    block,
    rows,
    diagonal,
    phases: phasesOf(cell, units, step),
    wih: layout.place(all * inputs),
    bih: layout.place(all),
    whh: depth > 0 ? layout.place(all * depth) : 0,
    bhh: vectors > 0 ? layout.place(all * vectors) : 0,
    outputs: hidden,
    projection: 0,
    parameters: 0,
  };
}

/** What a layer keeps of each stream, in one direction. */
export function stateOf(layer: LayerSpec, end = ''): StatePlan {
  const widths = kindOf(layer).states?.(layer) ?? {};
  const parts = Object.entries(widths).map(([name, width]) => ({ name: name as StateName, width }));
  return { name: layer.name + end, parts };
}

/** Multiply-adds of an operation of a plain stack per step and stream, padding not counted. */
export function workOf(op: Op, layer: LayerSpec): number {
  if (op.op === 'linear') return op.inputs * op.outputs;
  if (op.op !== 'recurrent') return 0;
  const { gates } = cellOf(layer as RecurrentLayerSpec);
  return gates * op.hidden * (op.inputs + (op.diagonal ? 1 : op.block));
}
