import { describe, expect, it, test } from 'vitest';
import { namedRandom } from '#dist/base/random.js';
import { checkSpec } from '#dist/model/check.js';
import type { LayerSpec } from '#dist/model/spec.js';
import { checkTensors } from '#dist/model/tensors.js';
import { initTensors } from '#dist/train/init.js';

const layers: LayerSpec[] = [
  { kind: 'embedding', name: 'embedding', count: 200, size: 50 },
  { kind: 'lstm', name: 'lstm', inputSize: 50, hiddenSize: 64, blocks: 16 },
  { kind: 'gru', name: 'gru', inputSize: 64, hiddenSize: 36 },
  { kind: 'elman', name: 'elman', inputSize: 36, hiddenSize: 100, blocks: 100 },
  { kind: 'linear', name: 'out', inputSize: 100, outputSize: 20 },
];
const spec = checkSpec({ layers });

/** Mean and deviation of n numbers are off by about 1/√n of the deviation; ten times that is never met by chance. */
function expectMoments(data: Float32Array, deviation: number): void {
  const mean = data.reduce((sum, v) => sum + v, 0) / data.length;
  const square = data.reduce((sum, v) => sum + v * v, 0) / data.length;
  const slack = 10 / Math.sqrt(data.length);
  expect(Math.abs(mean)).toBeLessThan(slack * deviation);
  expect(Math.abs(Math.sqrt(square) / deviation - 1)).toBeLessThan(slack);
}

/** Uniform within ± bound: all within it, and with enough numbers one near either end. */
function expectUniform(data: Float32Array, bound: number): void {
  expect(Math.max(...data)).toBeLessThanOrEqual(Math.fround(bound));
  expect(Math.min(...data)).toBeGreaterThanOrEqual(-Math.fround(bound));
  const nearly = bound * (1 - 20 / data.length);
  expect(Math.max(...data)).toBeGreaterThan(nearly);
  expect(Math.min(...data)).toBeLessThan(-nearly);
  expectMoments(data, bound / Math.sqrt(3));
}

describe('initTensors', () => {
  const tensors = initTensors(spec, 1);

  it('gives what the spec needs', () => {
    expect(Object.keys(checkTensors(spec, tensors))).toEqual(Object.keys(tensors));
  });

  it.each([
    ['lstm.weight_ih', 1 / 8],
    ['lstm.weight_hh', 1 / 2],
    ['lstm.bias_ih', 1 / 8],
    ['lstm.bias_hh', 1 / 8],
    ['gru.weight_ih', 1 / 6],
    ['gru.weight_hh', 1 / 6],
    ['gru.bias_hh', 1 / 6],
    ['elman.weight_ih', 1 / 10],
    ['elman.weight_hh', 1],
    ['out.weight', 1 / 10],
  ])('%s is uniform within %d', (name, bound) => {
    expectUniform(tensors[name]!.data, bound);
  });

  it('an embedding is normal', () => {
    const { data } = tensors['embedding.weight']!;
    expectMoments(data, 1);
    // 68.27 % of a normal's numbers are within one deviation; of a uniform's with this deviation 57.7 %.
    const within = data.filter((v) => Math.abs(v) < 1).length / data.length;
    expect(Math.abs(within - 0.6827)).toBeLessThan(0.03);
  });

  it('an embedding is uniform when it is told so', () => {
    const other = initTensors(spec, 1, { embeddingRange: 0.1 });
    expectUniform(other['embedding.weight']!.data, 0.1);
    expect(other['out.weight']).toEqual(tensors['out.weight']);
    expect(initTensors(spec, 1, { embeddingRange: 0 })['embedding.weight']!.data.every((v) => v === 0)).toBe(
      true,
    );
  });

  it('forget gates start as they are told, and nothing else changes', () => {
    const other = initTensors(spec, 1, { forgetBias: 1.5 });
    for (const [name, { data }] of Object.entries(other)) {
      const expected = tensors[name]!.data.slice();
      if (name === 'lstm.bias_ih') expected.fill(1.5, 64, 128);
      if (name === 'lstm.bias_hh') expected.fill(0, 64, 128);
      expect(data, name).toEqual(expected);
    }
  });

  it('a normalisation begins as what changes nothing, but for its forget gates', () => {
    const sizes = { inputSize: 3, hiddenSize: 4 };
    const normed = checkSpec({
      layers: [
        { kind: 'lnlstm', name: 'a', ...sizes },
        { kind: 'lngru', name: 'b', ...sizes, inputSize: 4 },
      ],
    });
    const found = initTensors(normed, 1, { forgetBias: 0.5 });
    for (const [name, { data }] of Object.entries(found)) {
      const expected = name.includes('.gain') ? data.map(() => 1) : new Float32Array(data.length);
      if (name === 'a.bias') expected.fill(0.5, 4, 8);
      if (name.includes('.weight')) expectUniform(data, 1 / 2);
      else expect(data, name).toEqual(expected);
    }
  });

  it('comes from the seed and the name alone', () => {
    expect(initTensors(spec, 1)).toEqual(tensors);
    expect(initTensors(spec, 2)['out.weight']).not.toEqual(tensors['out.weight']);
    const fewer = initTensors({ layers: spec.layers.filter(({ name }) => name !== 'gru') }, 1);
    for (const [name, tensor] of Object.entries(fewer)) expect(tensor, name).toEqual(tensors[name]);
  });

  it('draws each block of those that differ in size by its own, and nothing behind it', () => {
    const layer: LayerSpec = {
      kind: 'gru',
      name: 'r',
      inputSize: 2,
      hiddenSize: 148,
      blockSizes: [100, ...Array<number>(12).fill(4)],
    };
    const { data } = initTensors(checkSpec({ layers: [layer] }), 1)['r.weight_hh']!;
    const rowsOf = (isLarge: boolean) =>
      Array.from({ length: 3 * 148 }, (_, row) => row).filter((row) => row % 148 < 100 === isLarge);
    const cut = (row: number, from: number, to: number) => [
      ...data.subarray(row * 100 + from, row * 100 + to),
    ];
    expectUniform(Float32Array.from(rowsOf(true).flatMap((row) => cut(row, 0, 100))), 1 / 10);
    expectUniform(Float32Array.from(rowsOf(false).flatMap((row) => cut(row, 0, 4))), 1 / 2);
    expect(rowsOf(false).every((row) => cut(row, 4, 100).every((v) => v === 0))).toBe(true);
  });

  it('draws the order of a shuffle, from the seed and the name', () => {
    const drawn = (name: string, seed: number) =>
      initTensors(checkSpec({ layers: [{ kind: 'shuffle', name, size: 40 }] }), seed)[`${name}.order`]!.data;
    const order = drawn('mix', 1);
    expect(Array.from(order).sort((a, b) => a - b)).toEqual(Array.from(order.keys()));
    expect(drawn('mix', 1)).toEqual(order);
    expect(drawn('mix', 2)).not.toEqual(order);
    expect(drawn('other', 1)).not.toEqual(order);
  });

  it('gives each tensor numbers of its own', () => {
    const firsts = Object.values(tensors).map(({ data }) => Math.abs(data[0]!));
    expect(new Set(firsts).size).toBe(firsts.length);
  });

  it('refuses options that are no numbers', () => {
    expect(() => initTensors(spec, 1, { embeddingRange: -1 })).toThrow(RangeError);
    expect(() => initTensors(spec, 1, { forgetBias: Number.NaN })).toThrow(RangeError);
    expect(() => initTensors(spec, 1, { forgetBias: '1' as unknown as number })).toThrow(TypeError);
  });
});

test('named random numbers do not depend on each other', () => {
  const names = ['', 'a', 'b', 'lstm.0.bias_ih', 'lstm.0.bias_hh'];
  const streams = names.flatMap((name) =>
    [0, 1, -1, 2 ** 31].map((seed) => {
      const random = namedRandom(seed, name);
      return Float64Array.from({ length: 4096 }, () => random() - 0.5);
    }),
  );
  for (const [i, a] of streams.entries()) {
    for (const b of streams.slice(0, i)) {
      // A sum of n products of deviation 1/12 has the deviation √n / 12; six of those are met by chance once in 10⁹.
      const sum = a.reduce((total, v, k) => total + v * b[k]!, 0);
      expect(Math.abs(sum)).toBeLessThan((6 * Math.sqrt(4096)) / 12);
    }
  }
});
