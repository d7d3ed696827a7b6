import type { Tensor } from '../../model/tensors.js';

/** [rows, columns] → [columns, rows], row by row of the result as `order` says: row r of it is column order(r). */
export function transpose(
  data: Float32Array,
  rows: number,
  columns: number,
  order: (row: number) => number = (row) => row,
): Tensor {
  const turned = new Float32Array(rows * columns);
  for (let row = 0; row < columns; row++) {
    const column = order(row);
    for (let k = 0; k < rows; k++) turned[row * rows + k] = data[k * columns + column]!;
  }
  return { shape: [columns, rows], data: turned };
}

/** Puts the gates of a vector or of rows in order: gate g of the result is gate order[g]. */
export function gateOrder(order: readonly number[], hiddenSize: number): (row: number) => number {
  return (row) => order[Math.floor(row / hiddenSize)]! * hiddenSize + (row % hiddenSize);
}

/** A vector [rows] with its elements in another order. */
export function permute(data: Float32Array, order: (row: number) => number): Tensor {
  return { shape: [data.length], data: data.map((_, row) => data[order(row)]!) };
}

/** Zeros in place of a tensor that a file has none for. */
export function zeros(...shape: number[]): Tensor {
  return { shape, data: new Float32Array(shape.reduce((product, size) => product * size, 1)) };
}
