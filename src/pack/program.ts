import type { PackedStrips } from './strips.js';

/**
 * A packed model as plain data: every address and size that running it needs, nothing else. A worker gets a
 * copy of it once. Addresses are bytes; `ld…` are row strides in bytes; the rest are counts.
 */

import type { StateName } from '../model/cells.js';

/** Where rows lie in a frame: in which of its activations or stills (−1: its input), how many bytes on, how far apart. */
export interface Place {
  slot: number;
  offset: number;
  ld: number;
  /** in a still: each time step of a loop has the same rows in turn; left out where rows are those of all steps */
  still?: true;
}

/** A shuffle of columns of what an operation reads, which its weights have taken in. */
export interface Shuffle {
  /** the layer's */
  name: string;
  /** the first of them */
  column: number;
  size: number;
}

/** What every operation has. */
interface Placed {
  name: string;
  /** number of the layer that it is of, or belongs to */
  layer: number;
  x: Place;
  y: Place;
}

export interface RecurrentOp extends Placed {
  op: 'recurrent';
  /** of its input, taken in by wih */
  shuffles: Shuffle[];
  /** what the names of its tensors end in: '' or '_reverse' */
  end: string;
  /** number of the cell in assembly/layer/cells.ts */
  cell: number;
  /** features that a panel of its input weights reads */
  inputs: number;
  /** the first of its units in its layer: a layer whose blocks differ in size has several operations */
  first: number;
  /** from which byte of its input each panel reads them, [parts][rows/8]; 0 where all read all */
  windows: number;
  /** its units */
  hidden: number;
  /** what a worker can own: blocks, or runs of units of a diagonal layer */
  parts: number;
  /** units in a part; the last part of a diagonal layer may have fewer */
  units: number;
  /** units that read each other: those of a part, or fewer where a part has several blocks */
  block: number;
  /** rows of pre-activations of a part */
  rows: number;
  diagonal: boolean;
  /** per phase of a step: its gates, and the first of its rows in a part */
  phases: { gates: number; row: number }[];
  /** which of the frame's states is its own */
  state: number;
  /** column of its first block in the frame's masks; −1 where it cannot skip a step */
  mask: number;
  wih: number;
  bih: number;
  whh: number;
  /** a cell's other vectors of rows, such as a GRU's bias_hh or an LSTM's peepholes; 0 where there is none */
  bhh: number;
  /** in place of whh, where the recurrent weights are strips */
  strips?: PackedStrips;
  /** features that it gives: hidden, or fewer where they are projected */
  outputs: number;
  /** panels of weight_hr and zeros behind them; 0 where there is none */
  projection: number;
  /** constants of its own with parameters behind them, which a cell of the family takes; 0 for the others */
  parameters: number;
}

export interface LinearOp extends Placed {
  op: 'linear';
  /** of its input, taken in by the weight */
  shuffles: Shuffle[];
  inputs: number;
  outputs: number;
  panels: number;
  weight: number;
  bias: number;
}

/** A linear layer in blocks, of the family. */
export interface BlocksOp extends Placed {
  op: 'blocks';
  /** inputs of a block */
  inputs: number;
  /** of all blocks */
  outputs: number;
  /** outputs of a block */
  units: number;
  /** of all blocks */
  panels: number;
  weight: number;
  bias: number;
}

export interface EmbeddingOp extends Placed {
  op: 'embedding';
  count: number;
  outputs: number;
  table: number;
}

export interface ActivationOp extends Placed {
  op: 'activation';
  kernel: 'tanh_f32' | 'sigmoid_f32' | 'relu_f32' | 'softmax_f32' | 'log_softmax_f32';
  outputs: number;
}

/** An element-wise function of the family: its number in assembly/math/functions.ts and what it takes. */
export interface FunctionOp extends Placed {
  op: 'function';
  code: number;
  alpha: number;
  beta: number;
  outputs: number;
}

export interface CombineOp extends Placed {
  op: 'combine';
  /** number of the operation in assembly/math/combine.ts */
  code: number;
  /** operands behind the first, x */
  more: Place[];
  outputs: number;
}

export interface ScaleOp extends Placed {
  op: 'scale';
  weight: number;
  bias: number;
  outputs: number;
}

export interface NormOp extends Placed {
  op: 'norm';
  weight: number;
  /** 0 when there is none */
  bias: number;
  outputs: number;
  groups: number;
  /** whether the mean is taken away */
  centred: boolean;
  epsilon: number;
}

export interface ConvOp extends Placed {
  op: 'conv';
  outputs: number;
  /** steps that an output reads */
  width: number;
  state: number;
  /** [width][outputs, padded to whole vectors] */
  weight: number;
  bias: number;
}

export interface DelayOp extends Placed {
  op: 'delay';
  outputs: number;
  steps: number;
  state: number;
}

/** The first half of a delay in a loop: brings the oldest input that it keeps. */
export interface RecallOp extends Omit<Placed, 'x'> {
  op: 'recall';
  outputs: number;
  state: number;
}

/** The other half: takes in a new one. */
export interface KeepOp extends Omit<Placed, 'y'> {
  op: 'keep';
  outputs: number;
  steps: number;
  state: number;
}

/** Features in another order. */
export interface ShuffleOp extends Placed {
  op: 'shuffle';
  outputs: number;
  /** [outputs] i32 */
  order: number;
}

/** Puts columns where a layer that reads several values wants them. */
export interface CopyOp extends Placed {
  op: 'copy';
  outputs: number;
}

export type Op =
  | RecurrentOp
  | LinearOp
  | BlocksOp
  | EmbeddingOp
  | ActivationOp
  | FunctionOp
  | CombineOp
  | ScaleOp
  | NormOp
  | CopyOp
  | ShuffleOp
  | ConvOp
  | DelayOp
  | RecallOp
  | KeepOp;

/**
 * Columns that go between the host's arrays and a frame, chunk by chunk: columns [column, column + width) of the value
 * whose rows are `of` wide, and their place in the frame.
 */
export interface Port {
  /** number of the layer that gives it; −1 is the model's own: x on the way in, y on the way out */
  value: number;
  of: number;
  column: number;
  width: number;
  place: Place;
  /** whether the frame has each stream's steps from its last to its first */
  reversed: boolean;
}

/** What runs in one go over the chunks of a sequence. */
export interface Stage {
  /** numbers of operations; those of one step run side by side, and everybody meets after it */
  steps: number[][];
  /** ranges [from, to) of `steps` that run for one time step after the other: what is made in them feeds back */
  loops: { from: number; to: number }[];
  inputs: Port[];
  outputs: Port[];
  /** multiply-adds per step and stream, padding not counted */
  work: number;
}

/** A recurrent layer's columns in the frame's masks, a block each. */
export interface MaskPlan {
  /** the layer's */
  name: string;
  /** N */
  count: number;
  /** the first of them; −1 for a layer that goes backward or whose blocks meet in every step, which has none */
  column: number;
}

/** Which blocks update in which steps of a piece: 0 where one is skipped. */
export interface Masks {
  /** address of [steps][width] bytes */
  at: number;
  /** blocks of all layers that can skip a step */
  width: number;
  /** most steps of a piece that has masks */
  steps: number;
}

/** The part of a memory in which runs take place; two frames can be in use at once. */
export interface Frame {
  /** most rows T·B at a time */
  rows: number;
  /** most streams at a time */
  batch: number;
  /** [rows, inputs] floats, or ids [rows] */
  input: number;
  /** what layers give, each as long as somebody reads it */
  activations: number[];
  /** floats in each */
  activationFloats: number;
  /** what layers in a loop give each other, [batch, …] of one time step */
  stills: number[];
  /** lengths of the streams, [batch] i32 */
  lengths: number;
  masks: Masks;
  /** of each of the program's states its parts, one as far from the next as the next from its next */
  states: { at: number[]; ld: number }[];
  /** one stretch of scratch per worker */
  scratch: number[];
  /** floats in each */
  scratchFloats: number;
}

/** What a layer keeps of each stream from step to step. */
export interface StatePlan {
  name: string;
  parts: { name: StateName; width: number }[];
}

export interface Program {
  ops: Op[];
  /** one after the other, each over the whole sequence; a model that goes forward only has one */
  stages: Stage[];
  /** whether a layer goes backward, so that a model can only be run over whole sequences, and its step frame is its run frame */
  reverses: boolean;
  /** floats per step and stream that go in; 0 when ids do */
  inputs: number;
  /** ids that every embedding has a row for when ids go in, else 0 */
  vocabulary: number;
  outputs: number;
  /** per layer that keeps something of a stream from step to step, and direction */
  states: StatePlan[];
  /** of each recurrent layer its blocks in the frames' masks */
  masks: MaskPlan[];
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

/** Where an operation has the states of its own units: their addresses, and the row stride of each in bytes. */
export function statesOf(
  { states }: Frame,
  { state, first }: Pick<RecurrentOp, 'state' | 'first'>,
): { at: number[]; ld: number } {
  const { at, ld } = states[state]!;
  return { at: at.map((address) => address + first * 4), ld };
}

/** Where a layer's vector of rows lies. A cell that has more than one beside the bias has one part. */
export function vectorOf({ bih, bhh, rows }: RecurrentOp, to: 'bias' | number): number {
  return to === 'bias' ? bih : bhh + to * rows * 4;
}

/** Bytes from a row of a place to the next one; 0 where every step has the same rows. */
export function advanceOf({ ld, still }: Place): number {
  return still ? 0 : ld;
}

/** Byte address of a place in a frame. */
export function addressOf({ input, activations, stills }: Frame, { slot, offset, still }: Place): number {
  return (slot < 0 ? input : (still ? stills : activations)[slot]!) + offset;
}
