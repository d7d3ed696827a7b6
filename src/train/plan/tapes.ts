import type { CombineSpec } from '../../model/spec.js';
import type { Link, Param, Weight } from './link.js';

/** Tapes of the layers that plain stacks have not. */

/** An element-wise function of those that have a number (src/model/functions.ts). */
export interface FunctionTape {
  op: 'function';
  name: string;
  input: Link;
  out: Link;
  outputs: number;
  dropped: 0;
  code: number;
  alpha: number;
  beta: number;
}

/** Two operands or more, element by element. */
export interface CombineTape {
  op: 'combine';
  name: string;
  /** the first operand */
  input: Link;
  /** all of them */
  inputs: Link[];
  out: Link;
  outputs: number;
  dropped: 0;
  combine: CombineSpec['combine'];
}

/** A block-diagonal matrix; its parts are the blocks. */
export interface BlockWeight {
  inputs: number;
  outputs: number;
  parts: number;
  weight: Weight;
  /** rows of one block, of outputs or of inputs, in whole panels */
  staged: Link;
}

/** A linear layer in blocks. */
export interface BlocksTape extends BlockWeight {
  op: 'blocks';
  name: string;
  input: Link;
  out: Link;
  dropped: 0;
  bias: Param | undefined;
}

/**
 * W_ih of a recurrent layer whose units read blocks of inputs. Its outputs stand block after block, within one gate after
 * gate, and then go to the rows of z, because a part of the layer may have units of several blocks, and a block units of
 * several parts.
 */
export interface InputBlocks extends BlockWeight {
  /** [T·B] W_ih x, and behind it one column that stays 0 */
  out: Link;
  /** its gradient, [T·B] rows as `out`; in the last column is what z has beside its rows */
  slopes: number;
  /** [parts][rows] i32: the column of each row of z, the last one where it is none of a unit */
  order: number;
}

/** y = x · weight + bias. */
export interface ScaleTape {
  op: 'scale';
  name: string;
  input: Link;
  out: Link;
  outputs: number;
  dropped: 0;
  weight: Param;
  bias: Param | undefined;
  /** where dy ∘ x goes on the way back: over the output, unless others still read that, whose rows these are like */
  left: number;
}

/** y_j = x of order_j. Its order is no parameter. */
export interface ShuffleTape {
  op: 'shuffle';
  name: string;
  input: Link;
  out: Link;
  outputs: number;
  dropped: 0;
  /** [outputs] i32 */
  order: number;
}

/** The gradient of its weight sums dy ∘ n, n being what is normalised. */
export interface NormTape {
  op: 'norm';
  name: string;
  input: Link;
  out: Link;
  outputs: number;
  dropped: 0;
  weight: Param;
  bias: Param | undefined;
  /** where dy ∘ n goes on the way back, like that of a scale */
  left: number;
  groups: number;
  centred: boolean;
  epsilon: number;
}

/** What a layer looks back over: copies of its inputs behind those that came in before step 0. */
interface PastTape {
  name: string;
  /** [kept + T][B] */
  input: Link;
  out: Link;
  outputs: number;
  dropped: 0;
  /** steps that it looks back */
  past: number;
  /** [past][B] rows that a batch leaves behind, of training and of evaluation; strides are the input's */
  kept: [number, number];
}

export interface ConvTape extends PastTape {
  op: 'conv';
  weight: Param;
  /** panels of its rows, made anew after each update */
  packed: number;
  bias: Param | undefined;
}

/** Its output is its input, some steps before. */
export interface DelayTape extends PastTape {
  op: 'delay';
}
