import { roundUp } from '../../memory/layout.js';
import type { StateName } from '../../model/cells.js';
import { lanes, panelRows } from '../../pack/rows.js';
import type { Loss, Optimizer } from '../types.js';
import type { GateRun, TapeCell } from './cells.js';
import type { Link, Param, PhaseRows, Weight } from './link.js';
import type { StripsTape } from './strips.js';
import type {
  BlocksTape,
  BlockWeight,
  CombineTape,
  ConvTape,
  DelayTape,
  FunctionTape,
  InputBlocks,
  NormTape,
  ScaleTape,
  ShuffleTape,
} from './tapes.js';
import type { Zone } from './zoneout.js';

/**
 * A training as plain data: every address and size that a step needs. A worker gets a copy of it once. Addresses are
 * bytes, `ld…` row strides in bytes, the rest counts. Row m of a tape is stream b of step t: m = t·B + b.
 */

/** A part of a recurrent layer; the last one of a diagonal layer may have fewer units. */
export interface PartShape {
  units: number;
  rows: number;
  phases: PhaseRows[];
}

/** A state of a recurrent layer. */
export interface StateTape {
  name: StateName;
  /** [T + 1][B]: the state before step 0, then what each step has made */
  at: number;
  ld: number;
  width: number;
  /** the states that a batch leaves behind, of training and of evaluation, [B] rows each */
  kept: [number, number];
}

/** A tensor of one value a row, whose rows are those of some gates. */
export interface ColumnTape {
  param: Param;
  gates: readonly number[];
}

/**
 * What a layer has whose units all meet in each step, so that one worker has all parts of some streams. Its vectors of rows
 * are [parts][rows] each.
 */
export interface MeetingTape {
  /** the vectors that its kernels read, made anew after each update; the first is zeros */
  vectors: number;
  /** how many those are */
  count: number;
  /** the tensors that they are made of, each with the vector that it is part of */
  columns: { param: Param; to: number }[];
  /** [columns][B] vectors: what comes to each tensor, summed over steps */
  sums: number;
}

export interface RecurrentTape {
  op: 'recurrent';
  name: string;
  input: Link;
  /** [T + 1][B]: the state before step 0, then the outputs */
  out: Link;
  /** features of the output */
  outputs: number;
  /** the outputs that a step has not left out; 0 without dropout */
  dropped: number;
  cell: number;
  /** G of each phase */
  gates: number[];
  /** the constants, and behind them what the layer says; of most cells the program's own */
  table: number;
  /** the same for evaluation: of a layer that keeps states by lot it says the mean, where `table` says nothing of it */
  evaluation: number;
  zone: Zone | undefined;
  inputs: number;
  hidden: number;
  parts: number;
  whole: PartShape;
  last: PartShape;
  diagonal: boolean;
  /** vectors of a state that a step hands back beside that of h */
  carries: number;
  /** h first, whose tape is `out`; then c and the others, each as far from the one before */
  states: StateTape[];
  /** [parts][T·B][rows] pre-activations, then gates, then their gradients */
  z: number;
  /**
   * 'row': [parts][T·B][rows], a recurrent half that is not one with the input half; 'unit': [parts][T·B][⌈units/4⌉·4], the reset
   * states of one that resets before; 'projection': [T·B][⌈units/4⌉·4 + ⌈P/8⌉·8], what is projected and what comes back to
   * the projection; else 0
   */
  s: number;
  side: TapeCell['side'];
  wih: Weight;
  /** where units read blocks of inputs: whose weight `wih` then is */
  blocked: InputBlocks | undefined;
  /**
   * its forms; a diagonal recurrence has none: kernels read its weights as they lie. Undefined where nothing recurs but
   * the cell.
   */
  whh: Weight | Param | undefined;
  /** of what `whh` is made, where the recurrent weights are strips */
  strips: StripsTape | undefined;
  /** that of an output projection */
  whr: Weight | undefined;
  /** those of the input half, or of both */
  biases: ColumnTape[];
  /** that of the recurrent half, where they cannot be one */
  bhh: Param | undefined;
  /** what the input half begins with: the sum of `biases` */
  bias: number;
  /** weights that meet c unit by unit */
  meets: { param: Param; runs: GateRun[] } | undefined;
  meeting: MeetingTape | undefined;
  /** [T·B] what comes back to the input past the matrices, as wide as the output; 0 where nothing does */
  skip: number;
  byId: ById | undefined;
}

/**
 * A recurrent layer whose blocks differ in size: a tape for each run of blocks of one size, whose units stand side by side in
 * the rows of its states.
 */
export interface RaggedTape
  extends Pick<RecurrentTape, 'name' | 'input' | 'out' | 'outputs' | 'dropped' | 'states'> {
  op: 'ragged';
  runs: RecurrentTape[];
}

/** The tapes of all recurrences. */
export function recurrentsOf(ops: readonly TrainOp[]): RecurrentTape[] {
  return ops.flatMap((op) => (op.op === 'recurrent' ? [op] : op.op === 'ragged' ? op.runs : []));
}

/**
 * Where an embedding's rows are few, a recurrent layer behind it computes for each id, not for each row of a large batch:
 * its input half is looked up, and its gradients are first summed by id.
 */
export interface ById {
  /** the embedding's */
  table: Param;
  /** [T·B] i32 */
  ids: number;
  count: number;
  /** [parts][count][rows]: input halves on the way forward, sums of their gradients on the way back */
  halves: number;
}

/** Values in a row of s that are not rows of z again. */
export function sideUnits(units: number, side: TapeCell['side'], outputs: number): number {
  return roundUp(units, lanes) + (side === 'projection' ? roundUp(outputs, panelRows) : 0);
}

/** Floats of a state on its way back: each part up to a panel, one part at a time, or all that meet. */
export function backWidth({ meeting, parts, whole }: RecurrentTape): number {
  return (meeting === undefined ? 1 : parts) * roundUp(whole.units, panelRows);
}

/** One of its parts. */
export function shapeOf({ parts, last, whole }: RecurrentTape, part: number): PartShape {
  return part + 1 === parts ? last : whole;
}

export interface LinearTape {
  op: 'linear';
  name: string;
  input: Link;
  out: Link;
  inputs: number;
  outputs: number;
  dropped: 0;
  weight: Weight;
  bias: Param | undefined;
}

export interface EmbeddingTape {
  op: 'embedding';
  name: string;
  input: Link;
  out: Link;
  outputs: number;
  dropped: number;
  weight: Param;
  /** the layer behind it, if that goes by id at times: then nobody reads its output, and its gradient has one row an id */
  byId: ById | undefined;
}

/** So many times more rows than ids: measured, a quarter of the step of a byte model at H = 512, N = 4. */
export const rowsPerId = 4;

/** What a batch goes by id by, if it has rows enough; what else it is part of does not matter. */
export function byIdOf(op: { byId: ById | undefined }, rows: number): ById | undefined {
  return op.byId !== undefined && op.byId.count * rowsPerId <= rows ? op.byId : undefined;
}

export interface ActivationTape {
  op: 'activation';
  name: string;
  input: Link;
  out: Link;
  outputs: number;
  dropped: 0;
  activation: 'tanh' | 'sigmoid' | 'relu';
}

export type TrainOp =
  | RecurrentTape
  | RaggedTape
  | LinearTape
  | BlocksTape
  | EmbeddingTape
  | ActivationTape
  | FunctionTape
  | CombineTape
  | ScaleTape
  | ShuffleTape
  | NormTape
  | ConvTape
  | DelayTape;

/** Operations that come back to themselves through delays. */
export interface Loop {
  from: number;
  to: number;
}

/** Some columns of all rows of a batch. Addresses are those of the first column. */
export interface RowCopy {
  from: Link;
  to: Link;
  /** columns */
  width: number;
  /** 'zero' has no `from` */
  how: 'copy' | 'add' | 'zero';
}

/** How values come to an operation, and how gradients leave it. */
export interface Route {
  /** number of its layer in the spec, of which a dropout's seed is made */
  layer: number;
  /** fragments that are put side by side before it runs */
  gather: RowCopy[];
  /** gradient of its output, rows as the output's; 0 where nobody asks: then there is no way back through it */
  dy: number;
  /** where it writes the gradient of each operand, rows as the operand's; 0 where nobody asks */
  dx: number[];
  /** how that is added to the gradients of what the operands are made of, in this order */
  spread: RowCopy[];
}

/** The last layer and the loss: logits live for one slice of rows at a time. */
export interface Head {
  input: Link;
  inputs: number;
  outputs: number;
  weight: Weight;
  /** where it is in blocks: whose weight `weight` then is */
  blocks: BlockWeight | undefined;
  bias: Param | undefined;
  loss: Loss;
  /** one row a stream, of a loss over sequences; else 0 */
  pooled: number;
  /** its gradient */
  pooledSlope: number;
  /** rows of logits in a batch at most, and at a time */
  rows: number;
  slice: number;
  logits: number;
  ld: number;
  /** [rows] i32 classes, or for CTC the labels of all streams one after the other */
  targets: number;
  /** [B + 1] i32: where each stream's labels begin */
  offsets: number;
  /** [rows] f32 nats */
  losses: number;
  /** [rows] i32, 1 where the right class is on top */
  hits: number;
}

/** What one worker alone writes. */
export interface Scratch {
  dh: number;
  /** of what a step hands back beside it, one vector after the other */
  dc: number;
  /** two vectors of rows of a layer whose units all meet, for one stream at a time */
  row: number;
  /** what goes past a cell that keeps states by lot, of h and of c, and what its kernels are told of that; else 0 */
  held: number;
  zone: number;
  /** for gemm_tn_f32 */
  packed: number;
}

export interface TrainProgram {
  control: number;
  constants: number;
  /** what a step is told, see order.ts */
  order: number;
  /** a row of zeros, as wide as any */
  zeros: number;
  input: Link;
  /** floats per step and stream that go in; 0 when ids do */
  inputs: number;
  vocabulary: number;
  ops: TrainOp[];
  /** operations [from, to) that run step by step, delays last */
  loops: Loop[];
  head: Head;
  /** of each operation, and behind them the head's, whose `dy` is nobody's */
  routes: Route[];
  /** [B] i32 */
  lengths: number;
  params: Param[];
  /** floats of all parameters */
  floats: number;
  /** and of what is derived of them: what a region of weights or gradients has */
  extent: number;
  weights: number;
  slopes: number;
  /** the optimiser's: none, one or two */
  moments: number[];
  optimizer: Required<Optimizer>;
  /** most norm of the gradient, or Infinity */
  clip: number;
  /** f64 sums of squares of stretches of the gradient */
  squares: number;
  scratch: Scratch[];
  capacity: { steps: number; batch: number };
  dropout: number;
  workers: number;
  bytes: number;
}
