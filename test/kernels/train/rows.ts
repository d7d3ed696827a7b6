import type { TrainKernels } from '#dist/wasm/train-registry.js';
import type { Check, Draw } from '../check.js';
import type { Ground } from '../ground.js';

export type TrainGround = Ground<TrainKernels>;
export type TrainCheck = Check<TrainKernels>;

/** A matrix in memory whose rows lie a stride apart; what stands between them belongs to others. */
export interface Rows {
  /** byte address */
  at: number;
  /** row stride in bytes */
  ld: number;
  rows: number;
  /** values of a row that may be written */
  room: number;
}

/** Places values [rows, width], each row with room for whole vectors of `lanes`, and with a gap of a vector at times. */
export function placeRows(
  ground: TrainGround,
  draw: Draw,
  values: Float32Array,
  rows: number,
  lanes = 4,
): Rows {
  const width = rows === 0 ? 0 : values.length / rows;
  const room = Math.ceil(width / lanes) * lanes;
  const stride = room + draw.pick([0, 4, 12]);
  const wide = Float32Array.from({ length: rows * stride }, (_, i) => {
    const column = i % stride;
    return column < width ? values[Math.floor(i / stride) * width + column]! : filler(i);
  });
  return { at: ground.place(wide), ld: 4 * stride, rows, room };
}

/** The values in the first `width` columns; throws when something was written beyond the rows' room. */
export function readRows(ground: TrainGround, { at, ld, rows, room }: Rows, width: number): Float32Array {
  const stride = ld / 4;
  const wide = ground.read(at, rows * stride);
  for (let i = 0; i < wide.length; i++) {
    if (i % stride >= room && wide[i] !== filler(i)) throw new Error(`written beyond the row: value ${i}`);
  }
  const values = new Float32Array(rows * width);
  for (let m = 0; m < rows; m++) values.set(wide.subarray(m * stride, m * stride + width), m * width);
  return values;
}

/** Values like those of a neighbour: none is a result, and none would go unnoticed in a sum. */
function filler(i: number): number {
  return 1000 + (i % 512);
}
