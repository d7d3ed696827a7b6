import type { PackedStrips } from './strips.js';

/**
 * A packed model as plain data: every address and size that running it needs, nothing else. A worker gets a
 * copy of it once. Addresses are bytes; `ld…` are row strides in bytes; the rest are counts.
 */

export interface RecurrentOp {
  op: 'recurrent';
  name: string;
  /** number of the cell in assembly/layer/cells.ts */
  cell: number;
  inputs: number;
  hidden: number;
  /** what a worker can own: blocks, or runs of units of a diagonal layer */
  parts: number;
  /** units in a part; the last part of a diagonal layer may have fewer */
  units: number;
  /** rows of pre-activations of a part */
  rows: number;
  diagonal: boolean;
  /** per phase of a step: its gates, and the first of its rows in a part */
  phases: { gates: number; row: number }[];
  /** which of the frame's states is its own */
  state: number;
  wih: number;
  bih: number;
  whh: number;
  bhh: number;
  /** in place of whh, where the recurrent weights are strips */
  strips?: PackedStrips;
}

export interface LinearOp {
  op: 'linear';
  name: string;
  inputs: number;
  outputs: number;
  panels: number;
  weight: number;
  bias: number;
}

export interface EmbeddingOp {
  op: 'embedding';
  name: string;
  count: number;
  outputs: number;
  table: number;
}

export interface ActivationOp {
  op: 'activation';
  name: string;
  kernel: 'tanh_f32' | 'sigmoid_f32' | 'relu_f32' | 'softmax_f32' | 'log_softmax_f32';
  outputs: number;
}

export type Op = RecurrentOp | LinearOp | EmbeddingOp | ActivationOp;

/** The part of a memory in which runs take place; two frames can be in use at once. */
export interface Frame {
  /** most rows T·B at a time */
  rows: number;
  /** most streams at a time */
  batch: number;
  /** [rows, inputs] floats, or ids [rows] */
  input: number;
  ldInput: number;
  /** outputs of the layers by turns: layer l writes activations[l % 2] */
  activations: [number, number];
  /** lengths of the streams, [batch] i32 */
  lengths: number;
  states: { h: number; c: number; ld: number }[];
  /** one stretch of scratch per worker */
  scratch: number[];
  /** floats in each */
  scratchFloats: number;
}

export interface Program {
  ops: Op[];
  /** floats per step and stream that go in; 0 when ids do */
  inputs: number;
  /** rows of the embedding when ids go in, else 0 */
  vocabulary: number;
  outputs: number;
  /** per recurrent layer */
  states: { name: string; hidden: number; hasCell: boolean }[];
  /** Int32 words through which a crew is signalled */
  control: number;
  /** the constants of the gate functions */
  constants: number;
  workers: number;
  run: Frame;
  step: Frame;
  /** bytes of memory in all */
  bytes: number;
  /** bytes of packed weights */
  weightBytes: number;
  /** multiply-adds per step and stream, padding not counted */
  work: number;
}

/** Row stride in bytes of a layer's output: padded so that whole vectors can be written. */
export function strideOf(width: number): number {
  return Math.ceil(width / 8) * 32;
}
