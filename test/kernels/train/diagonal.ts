import { gamma, UNDERFLOW } from '../../oracle/tolerance.js';
import { within } from '../check.js';
import { placeRows, type TrainCheck } from './rows.js';

export const diagonalChecks = {
  diagonal_grad_f32: ((ground, draw) => {
    const [rows, groups, gates] = [draw.integer(0, 9), draw.integer(1, 5), draw.integer(1, 4)];
    const count = groups * gates * 4;
    const [before, dz, h] = [draw.values(count), draw.values(rows * count), draw.values(rows * groups * 4)];
    const dw = ground.place(before);
    const [z, states] = [placeRows(ground, draw, dz, rows), placeRows(ground, draw, h, rows)];
    ground.kernels.diagonal_grad_f32(dw, z.at, z.ld, states.at, states.ld, rows, groups, gates);
    const expected = Float64Array.from(before);
    const bound = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      let magnitude = Math.abs(before[i]!);
      for (let m = 0; m < rows; m++) {
        const unit = Math.floor(i / (4 * gates)) * 4 + (i % 4);
        const term = dz[m * count + i]! * h[m * groups * 4 + unit]!;
        expected[i]! += term;
        magnitude += Math.abs(term);
      }
      bound[i] = gamma(rows + 1) * magnitude + (rows + 1) * UNDERFLOW;
    }
    within(ground.read(dw, count), expected, bound);
  }) as TrainCheck,
};
