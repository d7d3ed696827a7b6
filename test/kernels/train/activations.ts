import type { TrainKernelName } from '#dist/wasm/train-registry.js';
import { UNDERFLOW, UNIT_ROUNDOFF } from '../../oracle/tolerance.js';
import { type Draw, within } from '../check.js';
import { placeRows, readRows, type TrainCheck } from './rows.js';

/** dx = dy · slope(y); the slope's two roundings and the product's are three. */
function checkBack(
  name: TrainKernelName,
  outputs: (draw: Draw, count: number) => Float32Array,
  slope: (y: number) => number,
): TrainCheck {
  return (ground, draw) => {
    const [rows, width] = [draw.integer(0, 5), draw.integer(1, 19)];
    const [dys, ys] = [draw.values(rows * width, 10), outputs(draw, rows * width)];
    const dy = placeRows(ground, draw, dys, rows);
    const y = placeRows(ground, draw, ys, rows);
    const dx = draw.pick([dy, placeRows(ground, draw, new Float32Array(rows * width), rows)]);
    ground.kernels[name](dx.at, dx.ld, dy.at, dy.ld, y.at, y.ld, rows, width);
    const expected = Float64Array.from(dys, (value, i) => value * slope(ys[i]!));
    within(
      readRows(ground, dx, width),
      expected,
      expected.map((value) => 4 * UNIT_ROUNDOFF * Math.abs(value) + 2 * UNDERFLOW),
    );
  };
}

export const activationBackChecks = {
  tanh_back_f32: checkBack(
    'tanh_back_f32',
    (draw, count) => draw.values(count, draw.pick([1e-3, 1])),
    (y) => 1 - y * y,
  ),
  sigmoid_back_f32: checkBack(
    'sigmoid_back_f32',
    (draw, count) => draw.values(count).map(Math.abs),
    (y) => y * (1 - y),
  ),
  relu_back_f32: checkBack(
    'relu_back_f32',
    (draw, count) => draw.values(count).map((value) => Math.max(value, 0)),
    (y) => (y > 0 ? 1 : 0),
  ),
};
