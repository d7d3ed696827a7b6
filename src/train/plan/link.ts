import type { Cell } from '../../model/cells.js';

/** Rows that one layer writes and the next reads. */
export interface Link {
  y: number;
  ld: number;
  /**
   * steps' worth of rows before the first one: 1 behind a recurrent layer, whose tape begins with the state before;
   * before what a layer reads that looks back, as many as it does
   */
  skip: number;
}

/**
 * A parameter: rows of one tensor, part after part, in the order in which the kernels want them (src/pack/rows.ts), each
 * padded to whole panels. A bias, and the weights of a diagonal recurrence, are one number a row and lie together.
 * Weights, gradients and the optimiser's moments lie alike in regions of their own, `at` bytes from where each begins.
 */
export interface Param {
  /** its tensor, of which others may have other rows; where weights are tied, the embedding's, then the last layer's */
  names: string[];
  parts: number;
  /** rows in a part, padded to whole panels */
  rows: number;
  /** the first ones of a row of its tensor; of ragged blocks it has more */
  columns: number;
  ld: number;
  at: number;
  /** floats, padding included: whole cache lines */
  count: number;
  /** rows of its tensor in each part, where parts are not whole panels; default: its rows lie one after the other */
  each?: number;
  /** of rows g·H + u whose parts are blocks of `units` units, those of one gate after those of another */
  blocked?: { hidden: number; units: number };
  /**
   * of units [first, first + hidden) of a recurrent layer of `all`, whose rows are interleaved; `gates` where the tensor has
   * those of some alone
   */
  gated?: {
    cell: Cell;
    first: number;
    hidden: number;
    all: number;
    units: number;
    gates?: readonly number[];
  };
}

/** A weight and its packed forms, made anew after each update. */
export interface Weight {
  param: Param;
  /** panels of rows (assembly/gemm/tile.ts), for x Wᵀ */
  forward: number;
  /**
   * panels of columns, for dz W: per part [⌈columns / 8⌉][rows][8]. Rows of each phase of a step stand together, because
   * a cell of two phases needs two products.
   */
  backward: number;
  /** of a whole part, and of the last one */
  phases: { whole: PhaseRows[]; last: PhaseRows[] };
}

/** The rows of one phase of a part. */
export interface PhaseRows {
  first: number;
  rows: number;
}
