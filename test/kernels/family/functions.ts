import { type FunctionName, functionCodes, functions } from '#dist/model/functions.js';
import { exact } from '../../oracle/bounded.js';
import { applyFunc } from '../../oracle/functions.js';
import { type Check, within } from '../check.js';
import type { GraphKernels } from './combine.js';

const names = Object.keys(functions) as FunctionName[];

/** y [rows, width] of x, rows padded to whole vectors, in place or not; each row against the oracle. */
export const function_f32: Check<GraphKernels> = (ground, draw) => {
  const name = draw.pick(names);
  const [rows, width] = [draw.integer(1, 4), draw.pick([1, 2, 3, 4, 5, 8, 9, 31, 65])];
  const stride = Math.ceil(width / 4) * 4 + draw.pick([0, 8]);
  const scale = draw.pick([1e-6, 1, 20, 200, 1e30]);
  // Floats, as the kernel gets them.
  const [alpha, beta] = draw.values(2, 2) as unknown as [number, number];
  const x = Array.from({ length: rows }, () => draw.values(width, scale));
  const wide = new Float32Array(rows * stride);
  for (const [r, row] of x.entries()) wide.set(row, r * stride);
  const xAt = ground.place(wide);
  const yAt = draw.pick([xAt, ground.room(rows * stride)]);
  ground.kernels.function_f32(
    ...[yAt, 4 * stride, xAt, 4 * stride, ground.table, rows, width, functionCodes[name], alpha, beta],
  );
  for (const [r, row] of x.entries()) {
    const { value, error } = applyFunc({ function: name, alpha, beta }, exact(row));
    within(ground.read(yAt + 4 * stride * r, width), value, error);
  }
};
