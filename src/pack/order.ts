import { readOrder } from '../model/shuffle.js';
import type { TensorReader } from '../model/tensors.js';
import type { Shuffle } from './program.js';

/** The order of a shuffle, checked. */
export async function orderOf(
  { name, size }: Omit<Shuffle, 'column'>,
  read: TensorReader,
): Promise<Int32Array> {
  const values = new Float32Array(size);
  await read(`${name}.order`, 1, (some, first) => values.set(some, first));
  return readOrder(name, values);
}

/**
 * A reader of a matrix whose input is shuffled before it: its columns stand where what they meet is without the shuffles.
 * @param columns in a row of the matrix
 */
export async function unshuffle(
  read: TensorReader,
  shuffles: readonly Shuffle[],
  columns: number,
): Promise<TensorReader> {
  if (shuffles.length === 0) return read;
  const places = Int32Array.from({ length: columns }, (_, column) => column);
  for (const shuffle of shuffles) {
    const order = await orderOf(shuffle, read);
    for (const [k, from] of order.entries()) places[shuffle.column + k] = shuffle.column + from;
  }
  return (name, width, use) =>
    read(name, width, (rows, first) => {
      const turned = new Float32Array(rows.length);
      for (let row = 0; row < rows.length; row += width)
        for (let k = 0; k < width; k++) turned[row + places[k]!] = rows[row + k]!;
      use(turned, first);
    });
}
