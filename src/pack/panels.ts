import { panelRows } from './rows.js';

/**
 * Writes rows of a matrix [·, depth] as panels: [rows / 8][depth][8], the drawing in assembly/gemm/tile.ts.
 * @param out where the first panel goes, in `to`; it is zero there already
 * @param order source row of each packed row; −1 leaves zeros
 * @param shift added to every source row
 */
export function packPanels(
  to: Float32Array,
  out: number,
  from: Float32Array,
  depth: number,
  order: Int32Array,
  shift: number,
): void {
  for (let row = 0; row < order.length; row++) {
    const source = order[row]!;
    if (source < 0) continue;
    const lane = row % panelRows;
    const start = out + (row - lane) * depth + lane;
    const first = (source + shift) * depth;
    for (let k = 0; k < depth; k++) to[start + k * panelRows] = from[first + k]!;
  }
}

/** Writes one value per row, in the same order. */
export function packColumn(
  to: Float32Array,
  out: number,
  from: Float32Array,
  order: Int32Array,
  shift: number,
): void {
  for (let row = 0; row < order.length; row++) {
    const source = order[row]!;
    if (source >= 0) to[out + row] = from[source + shift]!;
  }
}
