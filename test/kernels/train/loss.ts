import { expect } from 'vitest';
import { exact, logSoftmax, softmax } from '../../oracle/bounded.js';
import { UNDERFLOW, UNIT_ROUNDOFF } from '../../oracle/tolerance.js';
import { type Draw, within } from '../check.js';
import { placeRows, readRows, type TrainCheck } from './rows.js';

function drawLogits(draw: Draw, count: number): Float32Array {
  const values = draw.values(count, draw.pick([1, 20, 200]));
  // Whole numbers have equal ones among them, so that the largest is not alone.
  return draw.pick([true, false]) ? values.map(Math.round) : values;
}

export const lossChecks = {
  cross_entropy_f32: ((ground, draw) => {
    const rows = draw.integer(0, 4);
    const width = draw.pick([1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 31, 65]);
    const scale = Math.fround(draw.pick([1, 1 / 640, 3]));
    const logits = drawLogits(draw, rows * width);
    const targets = Array.from({ length: rows }, () => draw.integer(-1, width - 1));
    const spoiled = rows > 0 && draw.integer(0, 9) === 0 ? draw.integer(0, rows - 1) : -1;
    if (spoiled >= 0) logits[spoiled * width + draw.integer(0, width - 1)] = Number.NaN;
    const x = placeRows(ground, draw, logits, rows, 8);
    const [losses, hits] = [ground.room(rows), ground.room(rows)];
    const targetsAt = ground.placeIntegers(targets);
    ground.kernels.cross_entropy_f32(x.at, x.ld, targetsAt, losses, hits, ground.table, rows, width, scale);
    const gradients = readRows(ground, x, x.room);
    for (const [m, target] of targets.entries()) {
      const loss = ground.read(losses + 4 * m, 1);
      const [hit] = ground.readIntegers(hits + 4 * m, 1);
      const row = logits.subarray(m * width, (m + 1) * width);
      const gradient = gradients.subarray(m * x.room, m * x.room + width);
      const padding = gradients.subarray(m * x.room + width, (m + 1) * x.room);
      expect(padding).toEqual(new Float32Array(padding.length));
      if (target < 0) {
        expect([loss[0], hit]).toEqual([0, 0]);
        expect(gradient).toEqual(new Float32Array(width));
        continue;
      }
      if (m === spoiled) {
        expect(loss[0]).toBeNaN();
        expect([...gradient].some(Number.isNaN)).toBe(true);
        continue;
      }
      const given = exact(row);
      const likely = logSoftmax(given);
      within(loss, [-likely.value[target]!], [likely.error[target]!]);
      expect(hit).toBe(row.indexOf(Math.max(...row)) === target ? 1 : 0);
      const s = softmax(given);
      within(
        gradient,
        s.value.map((value, i) => (value - (i === target ? 1 : 0)) * scale),
        // The softmax's own error, and the rounding of the factor scale / sum, of its product, of the difference.
        s.error.map(
          (error, i) =>
            scale * (error + 3 * UNIT_ROUNDOFF * (s.value[i]! + (i === target ? 1 : 0))) + UNDERFLOW,
        ),
      );
    }
  }) as TrainCheck,
};
