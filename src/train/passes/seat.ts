import type { Meet } from '../../engine/piece.js';
import type { Range } from '../../engine/share.js';
import type { TrainKernels } from '../../wasm/train-registry.js';
import type { Link } from '../plan/link.js';
import type { Order } from '../plan/order.js';
import type { TrainProgram } from '../plan/program.js';

/** One worker's place at a training. */
export interface Seat {
  kernels: TrainKernels;
  /** all of the memory */
  f32: Float32Array;
  i32: Int32Array;
  f64: Float64Array;
  program: TrainProgram;
  /** this worker's number, 0..n−1 */
  k: number;
  n: number;
}

/** One worker's share of some work; whatever needs the others' shares meets them first. */
export type Share = (order: Order, meet: Meet) => void;

/** A layer's two ways. Workers meet before and after each. */
export interface Pass {
  forward: Share;
  backward: Share;
  /** keeps the state for the next batch, of training (0) or of evaluation (1) */
  keep?: ((order: Order, which: 0 | 1) => void) | undefined;
}

/** A layer that has only what a row reads in common with other rows: both ways go over any rows of a batch. */
export interface RowPass {
  /** brings what came in before step 0; it is shared out by other rows than those of a step */
  begin?: (order: Order) => void;
  /** rows of its output, unless that is where its input is */
  forward?: (order: Order, rows: Range) => void;
  /** rows of the gradients of what it reads, and what `gradients` needs beside those of its output */
  backward: (order: Order, rows: Range) => void;
  /** this worker's share of the gradients of its parameters, when all rows have been there */
  gradients?: (order: Order) => void;
  /** whether `gradients` reads what `backward` makes */
  leaves?: boolean;
  keep?: Pass['keep'];
}

/** Address of the first row that a link has for a batch of so many streams. */
export function rowsOf({ y, ld, skip }: Link, batch: number): number {
  return y + skip * batch * ld;
}
