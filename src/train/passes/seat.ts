import type { Meet } from '../../engine/piece.js';
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
  keep?: (order: Order, which: 0 | 1) => void;
}

/** Address of the first row that a link has for a batch of so many streams. */
export function rowsOf({ y, ld, skip }: Link, batch: number): number {
  return y + skip * batch * ld;
}
