import type { RecurrentLayerSpec } from '../model/spec.js';
import { panelRows } from './rows.js';

/**
 * What each panel of input weights reads, where units read blocks of inputs: as many inputs in all, K, but each from a
 * start of its own on. Most panels read one block. Where some have units of two or more, K covers these, and the weights
 * of a unit have zeros beside them:
 *
 *   inputs            | block 0 | block 1 | block 2 |       units 0..5, two each, panels of two gates of four units
 *   panel of 0..3     [ 0 0 0 0   1 1 1 1 ]                 start 0
 *   panel of 4, 5               [           2 2 2 2 ]       start 1: a window stays within the inputs
 */
export interface Windows {
  /** K */
  inputs: number;
  /** of each panel, the first input */
  starts: Int32Array;
  /** of each row of weight_ih, in which column of its panel its first value stands */
  columns: Int32Array;
}

/** @param places packed row of each row of weight_ih [G·H, I/M] · @param panels how many there are, of all parts */
export function windowsOf(
  { inputSize, hiddenSize, inputBlocks = 1 }: RecurrentLayerSpec,
  places: Int32Array,
  panels: number,
): Windows {
  const width = inputSize / inputBlocks;
  const blockOf = (row: number) => Math.floor(((row % hiddenSize) * inputBlocks) / hiddenSize);
  const first = new Int32Array(panels).fill(inputBlocks);
  const last = new Int32Array(panels);
  for (const [row, place] of places.entries()) {
    const panel = Math.floor(place / panelRows);
    first[panel] = Math.min(first[panel]!, blockOf(row));
    last[panel] = Math.max(last[panel]!, blockOf(row));
  }
  const most = first.reduce((blocks, from, panel) => Math.max(blocks, last[panel]! - from + 1), 1);
  // Padding reads what stands at the end.
  const starts = first.map((block) => Math.min(block, inputBlocks - most) * width);
  const columns = places.map((place, row) => blockOf(row) * width - starts[Math.floor(place / panelRows)]!);
  return { inputs: most * width, starts, columns };
}
