import { expect } from 'vitest';
import { within } from '../check.js';
import { placeRows, readRows, type TrainCheck } from './rows.js';

export const sumChecks = {
  column_sums_f32: ((ground, draw) => {
    const [rows, width] = [draw.integer(0, 9), 4 * draw.integer(0, 25)];
    const before = draw.values(width);
    const values = draw.values(rows * width);
    const x = placeRows(ground, draw, values, rows);
    const out = ground.place(before);
    ground.kernels.column_sums_f32(out, x.at, x.ld, rows, width);
    const expected = before.slice();
    // Nothing is multiplied, so both binaries give what adding in order gives.
    for (const [i, value] of values.entries()) expected[i % width] = expected[i % width]! + value;
    expect(ground.read(out, width)).toEqual(expected);
  }) as TrainCheck,

  sum_squares_f32: ((ground, draw) => {
    const count = draw.integer(0, 70);
    const values = draw.values(count, draw.pick([1e-30, 1, 1e30]));
    const out = ground.room(2);
    ground.kernels.sum_squares_f32(out, ground.place(values), count);
    const sum = values.reduce((total, value) => total + value * value, 0);
    // Both sums are f64 and rounded at each of count additions of positive terms.
    within(new Float64Array(ground.f32.buffer, out, 1), [sum], [2 * count * 2 ** -53 * sum]);
  }) as TrainCheck,

  zero_f32: ((ground, draw) => {
    const values = draw.values(draw.integer(0, 40));
    const x = ground.place(values);
    ground.kernels.zero_f32(x, values.length);
    expect(ground.read(x, values.length)).toEqual(new Float32Array(values.length));
  }) as TrainCheck,

  add_f32: ((ground, draw) => {
    const count = draw.integer(0, 40);
    const [a, b] = [draw.values(count), draw.values(count)];
    const out = ground.place(a);
    ground.kernels.add_f32(out, ground.place(b), count);
    expect(ground.read(out, count)).toEqual(a.map((value, i) => value + b[i]!));
  }) as TrainCheck,

  add_rows_f32: ((ground, draw) => {
    const [rows, width] = [draw.integer(0, 5), draw.integer(0, 19)];
    const [before, more] = [draw.values(rows * width), draw.values(rows * width)];
    // Exactly the columns that it is told to.
    const y = placeRows(ground, draw, before, rows, 1);
    const x = placeRows(ground, draw, more, rows, 1);
    ground.kernels.add_rows_f32(y.at, y.ld, x.at, x.ld, rows, width);
    expect(readRows(ground, y, width)).toEqual(before.map((value, i) => value + more[i]!));
  }) as TrainCheck,

  clear_rows_f32: ((ground, draw) => {
    const [rows, width] = [draw.integer(0, 5), draw.integer(0, 19)];
    const x = placeRows(ground, draw, draw.values(rows * width), rows, 1);
    ground.kernels.clear_rows_f32(x.at, x.ld, rows, width);
    expect(readRows(ground, x, width)).toEqual(new Float32Array(rows * width));
  }) as TrainCheck,
};
