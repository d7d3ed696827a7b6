import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compact, compactModel, expand, findBlocks } from '#dist/formats/structure.js';
import { errorOf } from './bytes.js';

/** By the definition: the largest divisor N of H for which every entry off the N blocks is small enough. */
function blocksByDefinition(
  weights: Float32Array,
  gates: number,
  hiddenSize: number,
  tolerance: number,
): number {
  for (let blocks = hiddenSize; blocks > 1; blocks--) {
    if (hiddenSize % blocks !== 0) continue;
    const size = hiddenSize / blocks;
    let holds = true;
    for (let g = 0; g < gates; g++) {
      for (let i = 0; i < hiddenSize; i++) {
        for (let j = 0; j < hiddenSize; j++) {
          if (Math.floor(i / size) === Math.floor(j / size)) continue;
          const value = weights[(g * hiddenSize + i) * hiddenSize + j]!;
          if (Number.isNaN(value) || Math.abs(value) > tolerance) holds = false;
        }
      }
    }
    if (holds) return blocks;
  }
  return 1;
}

/** Dense weights with planted blocks, holes in them, and a few strays anywhere. */
const planted = fc
  .record({
    gates: fc.constantFrom(1, 3, 4),
    hiddenSize: fc.constantFrom(1, 2, 3, 4, 6, 7, 8, 12, 16, 18, 24),
    pick: fc.nat(),
    density: fc.constantFrom(0, 0.1, 0.5, 1),
    noise: fc.constantFrom(0, 0.01),
    strays: fc.array(fc.tuple(fc.nat(), fc.constantFrom(0.005, 0.5, Number.NaN, Number.POSITIVE_INFINITY)), {
      maxLength: 3,
    }),
    chance: fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
  })
  .map(({ gates, hiddenSize, pick, density, noise, strays, chance }) => {
    const divisors = Array.from({ length: hiddenSize }, (_, i) => i + 1).filter((n) => hiddenSize % n === 0);
    const blocks = divisors[pick % divisors.length]!;
    const size = hiddenSize / blocks;
    const weights = new Float32Array(gates * hiddenSize * hiddenSize);
    let next = chance;
    for (let at = 0; at < weights.length; at++) {
      const i = Math.floor(at / hiddenSize) % hiddenSize;
      const j = at % hiddenSize;
      const value = next.next().value as number;
      if (Math.floor(i / size) === Math.floor(j / size)) weights[at] = value < density ? value + 0.1 : -0;
      else weights[at] = noise * value;
    }
    next = chance;
    // Most samples keep their blocks: strays fall on one row in two only.
    for (const [place, value] of strays) if (place % 2 === 0) weights[place % weights.length] = value;
    return { gates, hiddenSize, blocks, weights };
  });

describe('finding blocks', () => {
  test('agrees with the definition', () => {
    const seen = new Set<number>();
    fc.assert(
      fc.property(
        planted,
        fc.constantFrom(0, 0.001, 0.01, 0.2),
        ({ gates, hiddenSize, weights }, tolerance) => {
          const found = findBlocks(weights, gates, hiddenSize, tolerance);
          expect(found).toBe(blocksByDefinition(weights, gates, hiddenSize, tolerance));
          seen.add(found);
        },
      ),
      { numRuns: 1500 },
    );
    // The samples are worth something: dense, diagonal and between.
    expect(seen.size).toBeGreaterThan(5);
  });

  test('agrees with the definition for what is compact already', () => {
    fc.assert(
      fc.property(planted, ({ gates, hiddenSize, blocks, weights }) => {
        const blocky = compact(weights, gates, hiddenSize, blocks);
        const dense = expand(blocky, gates, hiddenSize, blocks);
        expect(findBlocks(blocky, gates, hiddenSize, 0, blocks)).toBe(
          blocksByDefinition(dense, gates, hiddenSize, 0),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('zeros are diagonal, a NaN is never zero, minus zero is', () => {
    const weights = new Float32Array(3 * 4 * 4).fill(-0);
    expect(findBlocks(weights, 3, 4)).toBe(4);
    weights[16 + 4 * 1 + 0] = Number.NaN; // gate 1, unit 1 reads unit 0
    expect(findBlocks(weights, 3, 4, 1e30)).toBe(2);
    weights[32 + 4 * 0 + 3] = 1e-45; // the least f32, gate 2
    expect(findBlocks(weights, 3, 4)).toBe(1);
    expect(findBlocks(weights, 3, 4, 1e-44)).toBe(2);
  });

  test('sizes that do not fit, and tolerances that are none', () => {
    const weights = new Float32Array(16);
    for (const call of [
      () => findBlocks(weights, 1, 5),
      () => findBlocks(weights, 0, 4),
      () => findBlocks(weights, 1, 4, -1),
      () => findBlocks(weights, 1, 4, Number.NaN),
      () => findBlocks(weights, 1, 4, Number.POSITIVE_INFINITY),
      () => findBlocks(weights, 1, 4, 0, 3),
      () => compact(weights, 1, 4, 3),
      () => compact(weights, 1, 4, 0),
      () => compact(weights, 1, 4, 1.5),
      () => expand(new Float32Array(2 ** 17), 1, 2 ** 17, 2 ** 17),
    ]) {
      expect(errorOf(call)).toMatchObject({ name: 'RangeError', code: 'ERR_ARGUMENT_RANGE' });
    }
  });
});

describe('compact and dense', () => {
  test('the drawing: row i keeps the columns of its block', () => {
    // Two gates of H = 4; entry (row, column) is 10 · row + column.
    const dense = Float32Array.from({ length: 32 }, (_, at) => 10 * Math.floor(at / 4) + (at % 4));
    expect([...compact(dense, 2, 4, 2)]).toEqual([
      0, 1, 10, 11, 22, 23, 32, 33, 40, 41, 50, 51, 62, 63, 72, 73,
    ]);
    expect([...compact(dense, 2, 4, 4)]).toEqual([0, 11, 22, 33, 40, 51, 62, 73]);
    expect(compact(dense, 2, 4, 1)).toEqual(dense);
    expect([...expand(Float32Array.of(1, 2, 3, 4), 1, 4, 4)]).toEqual([
      1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 4,
    ]);
  });

  test('compact after expand gives the blocks back', () => {
    fc.assert(
      fc.property(planted, ({ gates, hiddenSize, blocks, weights }) => {
        const blocky = compact(weights, gates, hiddenSize, blocks);
        expect(compact(expand(blocky, gates, hiddenSize, blocks), gates, hiddenSize, blocks)).toEqual(blocky);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a whole model', () => {
  const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  const elman = (weights: number[], blocks = 1) => ({
    spec: { layers: [{ kind: 'elman' as const, name: 'r', inputSize: 1, hiddenSize: 6, blocks }] },
    tensors: {
      'r.weight_ih': zeros(6, 1),
      'r.weight_hh': { shape: [6, 6 / blocks], data: Float32Array.from(weights) },
      'r.bias_ih': zeros(6),
      'r.bias_hh': zeros(6),
    },
    vocab: [1],
  });
  const row = (...entries: [number, number][]) => {
    const values = new Array<number>(6).fill(0);
    for (const [column, value] of entries) values[column] = value;
    return values;
  };
  // Units 0–1, 2–3, 4–5, and 0.25 where unit 3 reads unit 5.
  const weights = [
    row([0, 1], [1, 2]),
    row([1, 3]),
    row([3, 4]),
    row([2, 5], [5, -0.25]),
    row([4, 6]),
    row([4, 7]),
  ].flat();

  test('auto finds the blocks, and leaves the given model alone', () => {
    const file = elman(weights);
    const found = compactModel(file, 'auto', 0.25);
    expect(found.spec.layers[0]).toMatchObject({ kind: 'elman', blocks: 3, activation: 'tanh' });
    expect(found.tensors['r.weight_hh']).toEqual({
      shape: [6, 2],
      data: Float32Array.of(1, 2, 0, 3, 0, 4, 5, 0, 6, 0, 7, 0),
    });
    expect(found.vocab).toEqual([1]);
    expect(file).toEqual(elman(weights));
    expect(compactModel(file, 'auto').spec.layers[0]).toMatchObject({ blocks: 1 });
  });

  test('a number that does not hold names the layer, the largest entry and a number that holds', () => {
    const error = errorOf(() => compactModel(elman(weights), 3, 0.1));
    expect(error).toMatchObject({ name: 'MismatchError', code: 'ERR_MISMATCH' });
    expect(error.message).toContain('layer "r": 3 blocks do not hold');
    expect(error.message).toContain('-0.25 at gate 0, unit 3, column 5');
    expect(error.message).toContain('1 block holds');
    expect(errorOf(() => compactModel(elman(weights), 6, 0.25)).message).toContain('3 blocks hold');
    expect(errorOf(() => compactModel(elman(weights), 4))).toMatchObject({
      name: 'RangeError',
      code: 'ERR_ARGUMENT_RANGE',
    });
    expect(errorOf(() => compactModel(elman(weights), 'all' as never))).toMatchObject({ name: 'TypeError' });
    const holes = [...weights];
    holes[3 * 6 + 5] = Number.NaN;
    expect(errorOf(() => compactModel(elman(holes), 3, 1e9)).message).toContain(
      'NaN at gate 0, unit 3, column 5',
    );
  });

  test('from one number of blocks to another, where neither divides the other', () => {
    const twos = [
      [1, 2, 0],
      [3, 4, 0],
      [0, 0, 5],
      [6, 0, 0],
      [0, 7, 8],
      [0, 9, 1],
    ].flat();
    const threes = compactModel(elman(twos, 2), 'auto');
    expect(threes.spec.layers[0]).toMatchObject({ blocks: 3 });
    expect([...threes.tensors['r.weight_hh']!.data]).toEqual([1, 2, 3, 4, 5, 0, 0, 6, 7, 8, 9, 1]);
    const dense = compactModel(threes, 1);
    expect(dense.tensors['r.weight_hh']!.data).toEqual(expand(Float32Array.from(twos), 1, 6, 2));
  });
});
