import { panelRows } from './rows.js';

/**
 * Writes rows of a matrix [·, depth] as panels: [rows / 8][depth][8], the drawing in assembly/gemm/tile.ts.
 * @param out where the first panel goes, in `to`; padding is zero there already
 * @param from whole rows, the first of which is row `first` of the matrix
 * @param places packed row of each row of the matrix
 */
export function placePanels(
  to: Float32Array,
  out: number,
  depth: number,
  places: Int32Array,
  from: Float32Array,
  first: number,
): void {
  const rows = from.length / depth;
  for (let row = 0; row < rows; row++) {
    const place = places[first + row]!;
    const lane = place % panelRows;
    const start = out + (place - lane) * depth + lane;
    const source = row * depth;
    for (let k = 0; k < depth; k++) to[start + k * panelRows] = from[source + k]!;
  }
}

/** Adds one value a row to what is there, by the same places. */
export function addColumn(
  to: Float32Array,
  out: number,
  places: Int32Array,
  from: Float32Array,
  first: number,
): void {
  for (let row = 0; row < from.length; row++) to[out + places[first + row]!]! += from[row]!;
}
