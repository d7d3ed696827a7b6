import { expect } from 'vitest';
import { placeRows, type TrainCheck } from './rows.js';

export const packChecks = {
  pack_panels_f32: ((ground, draw) => {
    const [rows, depth] = [8 * draw.integer(0, 3), draw.integer(0, 13)];
    const values = draw.values(rows * depth);
    const x = placeRows(ground, draw, values, rows, 1);
    const out = ground.room(rows * depth);
    ground.kernels.pack_panels_f32(out, x.at, x.ld, rows, depth);
    const expected = new Float32Array(rows * depth);
    for (let n = 0; n < rows; n++) {
      for (let k = 0; k < depth; k++) {
        expected[((n >> 3) * depth + k) * 8 + (n % 8)] = values[n * depth + k]!;
      }
    }
    expect(ground.read(out, rows * depth)).toEqual(expected);
  }) as TrainCheck,

  pack_columns_f32: ((ground, draw) => {
    const [rows, width] = [draw.integer(0, 13), draw.integer(1, 34)];
    const values = draw.values(rows * width);
    const x = placeRows(ground, draw, values, rows, 1);
    const count = Math.ceil(width / 8) * 8 * rows;
    const out = ground.room(count);
    ground.kernels.pack_columns_f32(out, x.at, x.ld, rows, width);
    const expected = new Float32Array(count);
    for (let n = 0; n < rows; n++) {
      for (let k = 0; k < width; k++) {
        expected[((k >> 3) * rows + n) * 8 + (k % 8)] = values[n * width + k]!;
      }
    }
    expect(ground.read(out, count)).toEqual(expected);
  }) as TrainCheck,
};
