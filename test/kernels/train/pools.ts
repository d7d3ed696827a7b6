import { expect } from 'vitest';
import { gamma, UNDERFLOW, UNIT_ROUNDOFF } from '../../oracle/tolerance.js';
import { type Draw, within } from '../check.js';
import { placeRows, readRows, type TrainCheck, type TrainGround } from './rows.js';

function drawStreams(ground: TrainGround, draw: Draw) {
  const [steps, batch, width] = [draw.integer(1, 6), draw.integer(1, 5), draw.integer(1, 18)];
  const given = draw.pick([true, false]);
  const lengths = Array.from({ length: batch }, () => (given ? draw.integer(0, steps) : steps));
  const mean = draw.pick([0, 1]);
  return { steps, batch, width, lengths, lengthsAt: given ? ground.placeIntegers(lengths) : 0, mean };
}

/** Whether step t of a stream goes into what is pooled. */
const counts = (t: number, length: number, mean: number) => (mean ? t < length : t === length - 1);

export const poolChecks = {
  pool_f32: ((ground, draw) => {
    const { steps, batch, width, lengths, lengthsAt, mean } = drawStreams(ground, draw);
    const values = draw.values(steps * batch * width);
    const y = placeRows(ground, draw, values, steps * batch);
    const out = placeRows(ground, draw, draw.values(batch * width), batch);
    ground.kernels.pool_f32(out.at, out.ld, y.at, y.ld, lengthsAt, steps, batch, width, mean);
    const [expected, bound] = [new Float64Array(batch * width), new Float64Array(batch * width)];
    for (const [b, length] of lengths.entries()) {
      const share = mean ? length : 1;
      for (let t = 0; t < steps; t++) {
        if (!counts(t, length, mean)) continue;
        for (let j = 0; j < width; j++) {
          const value = values[(t * batch + b) * width + j]! / share;
          expected[b * width + j]! += value;
          if (mean) bound[b * width + j]! += gamma(length + 1) * Math.abs(value) + UNDERFLOW;
        }
      }
    }
    within(readRows(ground, out, width), expected, bound);
  }) as TrainCheck,

  pool_back_f32: ((ground, draw) => {
    const { steps, batch, width, lengths, lengthsAt, mean } = drawStreams(ground, draw);
    const values = draw.values(batch * width);
    const dout = placeRows(ground, draw, values, batch);
    const dy = placeRows(ground, draw, draw.values(steps * batch * width), steps * batch);
    ground.kernels.pool_back_f32(dy.at, dy.ld, dout.at, dout.ld, lengthsAt, steps, batch, width, mean);
    const expected = Float64Array.from({ length: steps * batch * width }, (_, i) => {
      const [j, b, t] = [i % width, Math.floor(i / width) % batch, Math.floor(i / width / batch)];
      const share = mean ? lengths[b]! : 1;
      return counts(t, lengths[b]!, mean) ? values[b * width + j]! / share : 0;
    });
    const actual = readRows(ground, dy, width);
    within(
      actual,
      expected,
      expected.map((value) => UNIT_ROUNDOFF * Math.abs(value)),
    );
    expect(actual.some((value, i) => value !== 0 && expected[i] === 0)).toBe(false);
  }) as TrainCheck,
};
