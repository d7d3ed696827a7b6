import { gamma, UNDERFLOW } from '../../oracle/tolerance.js';
import { within } from '../check.js';
import { placeRows, type TrainCheck } from './rows.js';

export const diagonalChecks = {
  diagonal_grad_f32: ((ground, draw) => {
    const [rows, groups, gates] = [draw.integer(0, 9), draw.integer(1, 5), draw.integer(1, 4)];
    // Gates [first, first + some) of each group.
    const first = draw.integer(0, gates - 1);
    const some = draw.integer(1, gates - first);
    const count = groups * gates * 4;
    const [before, dz, h] = [draw.values(count), draw.values(rows * count), draw.values(rows * groups * 4)];
    const dw = ground.place(before);
    const [z, states] = [placeRows(ground, draw, dz, rows), placeRows(ground, draw, h, rows)];
    const [to, from] = [dw + first * 16, z.at + first * 16];
    ground.kernels.diagonal_grad_f32(to, from, z.ld, states.at, states.ld, rows, groups, gates, some);
    const expected = Float64Array.from(before);
    const bound = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const gate = Math.floor(i / 4) % gates;
      if (gate < first || gate >= first + some) continue;
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
