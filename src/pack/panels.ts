import type { Kernels } from '../wasm/registry.js';
import { lanes, panelRows } from './rows.js';

/** Where rows are put before a kernel packs them: floats of the memory that nothing else needs yet. */
export interface Staging {
  /** byte address */
  address: number;
  /** floats that it holds, at least those of `lanes` of the longest rows */
  floats: number;
}

/**
 * Writes rows of a matrix [·, depth] as panels: [rows / 8][depth][8], the drawing in assembly/gemm/tile.ts. Kernels do
 * it, four rows at a time: a model is packed once, in code that the engine would still be interpreting.
 * @param out byte address of the first panel; padding is zero there already
 * @param places packed row of each row of the matrix
 * @param from whole rows, the first of which is row `first` of the matrix
 * @param part where rows are narrower than panels: values in a row, and in which column of its panel the first stands
 */
export function placePanels(
  { pack_f32 }: Kernels,
  to: Float32Array,
  { address, floats }: Staging,
  out: number,
  depth: number,
  places: Int32Array,
  from: Float32Array,
  first: number,
  part?: { width: number; columns: Int32Array },
): void {
  const { width, columns } = part ?? { width: depth };
  const rows = from.length / width;
  const most = Math.floor(floats / width);
  for (let begin = 0; begin < rows; begin += most) {
    const end = Math.min(rows, begin + most);
    to.set(from.subarray(begin * width, end * width), address / 4);
    for (let row = begin; row < end; ) {
      const place = places[first + row]!;
      const lane = place % panelRows;
      const column = columns === undefined ? 0 : columns[first + row]!;
      // Rows whose places follow each other go together, up to a vector's worth that begins with one.
      let count = 1;
      const room = lanes - (place % lanes);
      while (
        count < room &&
        row + count < end &&
        places[first + row + count] === place + count &&
        (columns === undefined || columns[first + row + count] === column)
      )
        count++;
      pack_f32(
        out + ((place - lane) * depth + column * panelRows + lane) * 4,
        address + (row - begin) * width * 4,
        width * 4,
        count,
        width,
      );
      row += count;
    }
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
  const at = out / 4;
  for (let row = 0; row < from.length; row++) to[at + places[first + row]!]! += from[row]!;
}
