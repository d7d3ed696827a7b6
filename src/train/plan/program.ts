import type { Loss, Optimizer } from '../types.js';
import type { Link, Param, Weight } from './link.js';
import type { ById, RaggedTape, RecurrentTape } from './recurrent-tape.js';
import type {
  BlocksTape,
  BlockWeight,
  CombineTape,
  ConvTape,
  DelayTape,
  FunctionTape,
  NormTape,
  ScaleTape,
  ShuffleTape,
} from './tapes.js';

/**
 * A training as plain data: every address and size that a step needs. A worker gets a copy of it once. Addresses are
 * bytes, `ld…` row strides in bytes, the rest counts. Row m of a tape is stream b of step t: m = t·B + b.
 */

/** The tapes of all recurrences. */
export function recurrentsOf(ops: readonly TrainOp[]): RecurrentTape[] {
  return ops.flatMap((op) => (op.op === 'recurrent' ? [op] : op.op === 'ragged' ? op.runs : []));
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
