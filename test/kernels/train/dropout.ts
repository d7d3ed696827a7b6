import { expect } from 'vitest';
import { placeRows, readRows, type TrainCheck } from './rows.js';

function mix(value: number, more = 0): number {
  let v = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  v = Math.imul(((v ^ (v >>> 15)) + more) | 0, 0x846ca68b);
  return (v ^ (v >>> 16)) >>> 0;
}

export const dropoutChecks = {
  dropout_f32: ((ground, draw) => {
    const [rows, width] = [draw.integer(0, 9), draw.integer(1, 70)];
    const rate = draw.pick([0, 0.1, 0.5, 0.9]);
    const threshold = Math.round(rate * 2 ** 32);
    const scale = Math.fround(1 / (1 - rate));
    const seed = draw.pick([0, 1, 2 ** 32 - 1, draw.integer(0, 2 ** 32 - 1)]);
    const row0 = draw.pick([0, 3, 1_000_000]);
    const values = draw.values(rows * width).map((value) => value || 1);
    const x = placeRows(ground, draw, values, rows);
    const y = draw.pick([x, placeRows(ground, draw, values, rows)]);
    // In two calls: where a call begins makes no difference.
    const cut = draw.integer(0, rows);
    for (const [m0, m1] of [
      [0, cut],
      [cut, rows],
    ] as const) {
      const [to, from] = [y.at + m0 * y.ld, x.at + m0 * x.ld];
      ground.kernels.dropout_f32(to, y.ld, from, x.ld, m1 - m0, width, row0 + m0, seed, threshold, scale);
    }
    const actual = readRows(ground, y, width);
    let kept = 0;
    const expected = values.map((value, i) => {
      const key = mix((mix(seed) + row0 + Math.floor(i / width)) | 0);
      const hash = mix((key + Math.imul(0x9e3779b9, i % width)) | 0, mix(key));
      if (hash < threshold) return 0;
      kept++;
      return Math.fround(value * scale);
    });
    expect(actual.map(Math.abs)).toEqual(expected.map(Math.abs));
    // Hoeffding: a fair draw strays further than this once in 10^12.
    const stray = Math.sqrt((values.length * Math.log(2e12)) / 2);
    expect(Math.abs(kept - (1 - rate) * values.length)).toBeLessThanOrEqual(stray);
  }) as TrainCheck,
};
