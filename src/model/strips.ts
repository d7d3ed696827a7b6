import { MismatchError } from '../base/errors.js';
import { show } from '../base/guards.js';
import type { StripShape, StripsSpec } from './spec.js';

/** Units and columns of the strips that there are kernels for. */
export const stripSizes: Readonly<Record<StripShape, { rows: number; columns: number }>> = {
  '8x4': { rows: 8, columns: 4 },
  '16x1': { rows: 16, columns: 1 },
  '4x4': { rows: 4, columns: 4 },
};

/** Rows of strips of one gate: each is so many units, and the last one what is left. */
export function stripRows({ shape }: Pick<StripsSpec, 'shape'>, hiddenSize: number): number {
  return Math.ceil(hiddenSize / stripSizes[shape].rows);
}

/** Recurrent weights that a layer with strips keeps, the diagonal among them. */
export function stripWeights(
  { shape, count, diagonal }: StripsSpec,
  gates: number,
  hiddenSize: number,
): number {
  const { rows, columns } = stripSizes[shape];
  return count * rows * columns + (diagonal ? gates * hiddenSize : 0);
}

/** Where each strip lies. */
export interface StripPlaces {
  /** of each row of strips, gate after gate, the number of its first strip; and `count` at the end */
  starts: Int32Array;
  /** of each strip the first of its columns */
  columns: Int32Array;
}

/**
 * Reads the index stream of a layer's strips, which may come from anywhere: for each row of strips, gate after gate, how
 * many strips it has and then the first column of each (LPCNet's and RNNoise's form).
 * @param stream as many values as rows of strips and strips
 * @throws MismatchError when a strip would reach outside the matrix, or there are more or fewer than the spec says
 */
export function readStrips(
  name: string,
  { shape, count }: StripsSpec,
  gates: number,
  hiddenSize: number,
  stream: ArrayLike<number>,
): StripPlaces {
  const rows = gates * stripRows({ shape }, hiddenSize);
  const most = hiddenSize - stripSizes[shape].columns;
  const fail = (at: number, what: string) =>
    new MismatchError(`tensor ${show(`${name}.strips`)}: value ${at} is ${show(stream[at])}, ${what}.`);
  const starts = new Int32Array(rows + 1);
  const columns = new Int32Array(count);
  let at = 0;
  let strip = 0;
  for (let row = 0; row < rows; row++) {
    starts[row] = strip;
    const some = stream[at]!;
    if (!(Number.isInteger(some) && some >= 0 && some <= count - strip))
      throw fail(at, `which must be the number of strips in a row; ${count - strip} of ${count} are left`);
    at++;
    for (const end = at + some; at < end; at++) {
      const column = stream[at]!;
      if (!(Number.isInteger(column) && column >= 0 && column <= most))
        throw fail(at, `which must be a strip's first column, within 0..${most}`);
      columns[strip++] = column;
    }
  }
  if (strip !== count)
    throw new MismatchError(
      `tensor ${show(`${name}.strips`)} places ${strip} strips, the spec says that there are ${count}.`,
    );
  starts[rows] = count;
  return { starts, columns };
}

/** The index stream of strips: what readStrips reads. */
export function writeStrips({ starts, columns }: StripPlaces): Float32Array {
  const rows = starts.length - 1;
  const stream = new Float32Array(rows + columns.length);
  for (let row = 0, at = 0; row < rows; row++) {
    const some = starts[row + 1]! - starts[row]!;
    stream[at++] = some;
    for (let k = 0; k < some; k++) stream[at++] = columns[starts[row]! + k]!;
  }
  return stream;
}
