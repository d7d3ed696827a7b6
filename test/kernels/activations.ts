import { type Bounded, exact, logSoftmax, relu, sigmoid, softmax, tanh } from '../oracle/bounded.js';
import { type Check, within } from './check.js';

type ArrayKernel = 'tanh_f32' | 'sigmoid_f32' | 'relu_f32' | 'softmax_f32' | 'log_softmax_f32';

/** y [rows, width] of x, rows padded to whole vectors, in place or not; each row against the oracle. */
function checkRows(name: ArrayKernel, oracle: (x: Bounded) => Bounded): Check {
  return (ground, draw) => {
    const rows = draw.integer(1, 4);
    const width = draw.pick([1, 2, 3, 4, 5, 8, 9, 31, 65]);
    const stride = Math.ceil(width / 4) * 4 + draw.pick([0, 8]);
    const scale = draw.pick([1, 20, 200, 1e30]);
    const x = Array.from({ length: rows }, () => draw.values(width, scale));
    const wide = new Float32Array(rows * stride);
    for (const [r, row] of x.entries()) wide.set(row, r * stride);
    const xAt = ground.place(wide);
    const yAt = draw.pick([xAt, ground.room(rows * stride)]);
    ground.kernels[name](yAt, 4 * stride, xAt, 4 * stride, ground.table, rows, width);
    for (const [r, row] of x.entries()) {
      const { value, error } = oracle(exact(row));
      within(ground.read(yAt + 4 * stride * r, width), value, error);
    }
  };
}

export const activationChecks = {
  tanh_f32: checkRows('tanh_f32', tanh),
  sigmoid_f32: checkRows('sigmoid_f32', sigmoid),
  relu_f32: checkRows('relu_f32', relu),
  softmax_f32: checkRows('softmax_f32', softmax),
  log_softmax_f32: checkRows('log_softmax_f32', logSoftmax),
};
