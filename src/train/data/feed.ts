import type { Batch } from '../types.js';

/** A part of a data set in batches: the same ones for the same epoch. */
export interface Feed {
  /** batches of one epoch */
  readonly count: number;
  /** most T of any batch */
  readonly steps: number;
  /** most B of any batch */
  readonly batch: number;
  /** predictions of one epoch: tokens, or sequences */
  readonly targets: number;
  of(epoch: number): Iterable<Batch>;
}
