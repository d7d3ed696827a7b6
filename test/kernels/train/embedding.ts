import { expect } from 'vitest';
import { placeRows, readRows, type TrainCheck } from './rows.js';

export const embeddingChecks = {
  embedding_grad_f32: ((ground, draw) => {
    const [rows, count, width] = [draw.integer(0, 12), draw.integer(1, 5), draw.integer(1, 18)];
    const room = Math.ceil(width / 4) * 4;
    const before = draw.values(count * room);
    const gradients = draw.values(rows * width);
    const ids = Array.from({ length: rows }, () => draw.integer(0, count - 1));
    const table = placeRows(ground, draw, before, count);
    const dy = placeRows(ground, draw, gradients, rows, 1);
    const idsAt = ground.placeIntegers(ids);
    ground.kernels.embedding_grad_f32(table.at, table.ld, idsAt, dy.at, dy.ld, rows, width);
    // Nothing is multiplied: exactly what adding in order gives, the padding unchanged.
    const expected = before.slice();
    for (const [m, id] of ids.entries()) {
      for (let j = 0; j < width; j++) {
        expected[id * room + j] = expected[id * room + j]! + gradients[m * width + j]!;
      }
    }
    expect(readRows(ground, table, room)).toEqual(expected);
  }) as TrainCheck,
};
