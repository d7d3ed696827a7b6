import type { Frame } from '../pack/program.js';
import type { Kernels } from '../wasm/registry.js';

/** One piece of a run: some steps of some streams whose input lies in the frame. */
export interface Piece {
  /** number of the program's stage */
  stage: number;
  steps: number;
  batch: number;
  /** rows of the frame that are before it: none, or those of the steps that a loop has done */
  row: number;
  /** number of the first step, against the lengths */
  t0: number;
  /** whether the frame's lengths hold */
  ragged: boolean;
  /** whether the frame's masks hold */
  masked: boolean;
}

/** Where all workers wait for each other; throws when the run has been abandoned. */
export type Meet = () => void;

/** Runs one worker's share of a piece: of one layer, or of all. */
export type Runner = (piece: Piece, meet: Meet) => void;

/** One worker's place at one layer. */
export interface Seat {
  kernels: Kernels;
  /** address of the gate functions' constants */
  constants: number;
  /** the memory, for what is decided here */
  bytes: Uint8Array;
  frame: Frame;
  /** this worker's number, 0..n−1 */
  k: number;
  n: number;
}
