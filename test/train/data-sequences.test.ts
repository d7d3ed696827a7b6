import { describe, expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { createModel, type ModelSpec } from '#dist/node.js';
import { parseRows } from '#dist/train/data/csv.js';
import { foldMoments, momentsOf, normalize } from '#dist/train/data/normalize.js';
import { classesOf, labelRows, sequenceBatches, splitRows } from '#dist/train/data/sequences.js';
import { randomModel } from '../oracle/random.js';

describe('rows of a CSV', () => {
  test('a label, then numbers, step by step', () => {
    const text = '\ufeffyes,1,2,3,4\r\n\r\n"a, ""b""";-.5;1e-3\n7\t 1 \t2,,\n';
    expect(parseRows(text, 2)).toEqual([
      { label: 'yes', values: Float32Array.of(1, 2, 3, 4) },
      { label: 'a, "b"', values: Float32Array.of(-0.5, 1e-3) },
      { label: '7', values: Float32Array.of(1, 2) },
    ]);
  });

  test.each([
    ['', 1, 'there is no sequence'],
    ['a,1\nb,1,2', 2, 'line 1: there are 1 numbers'],
    ['a,1,2\nb,1,2,3', 2, 'line 2: there are 3 numbers'],
    ['a', 1, 'line 1: there are 0 numbers'],
    [',1', 1, 'line 1: the label is empty'],
    ['label,x', 1, 'line 1, column 2: "x" is no finite f32 number. A line of column names'],
    ['a,1\nb,1,nan', 1, 'line 2, column 3: "nan"'],
    ['a,1\nb,1,,2', 1, 'line 2, column 3: ""'],
    ['a,1e39', 1, '"1e39"'],
    ['a,0x10', 1, '"0x10"'],
  ])('%j with %i features is refused', (text, features, message) => {
    expect(() => parseRows(text, features)).toThrow(message);
  });
});

describe('classes', () => {
  const rows = (...labels: string[]) => labels.map((label) => ({ label, values: Float32Array.of(0) }));

  test('numbers by value, names by code unit', () => {
    expect(classesOf(rows('10', '9', '-1', '9'))).toEqual(['-1', '9', '10']);
    expect(classesOf(rows('b', 'a', '10', '9'))).toEqual(['10', '9', 'a', 'b']);
  });

  test('a label that training has not seen is named', () => {
    expect(labelRows(rows('b', 'a'), ['a', 'b']).map(({ target }) => target)).toEqual([1, 0]);
    expect(() => labelRows(rows('c'), ['a', 'b'])).toThrow('"c" is not among the classes ["a", "b"]');
  });

  test('one file is shuffled and cut, by the seed', () => {
    const all = Array.from({ length: 40 }, (_, i) => i);
    const parts = splitRows(all, [0.5, 0.25, 0.25], 3);
    expect([parts.train.length, parts.valid!.length, parts.test!.length]).toEqual([20, 10, 10]);
    const together = [...parts.train, ...parts.valid!, ...parts.test!];
    expect(together).not.toEqual(all);
    expect(together.sort((a, b) => a - b)).toEqual(all);
    expect(splitRows(all, [0.5, 0.25, 0.25], 3)).toEqual(parts);
    expect(splitRows(all, [0.5, 0.25, 0.25], 4)).not.toEqual(parts);
  });
});

describe('batches', () => {
  const features = 3;
  const sequences = [4, 1, 2, 5, 3].map((steps, target) => ({
    values: Float32Array.from({ length: steps * features }, (_, i) => 100 * (target + 1) + i),
    target,
  }));

  test('as they come: padded with zeros, lengths said', () => {
    const feed = sequenceBatches(sequences, { features, batch: 2 });
    expect([feed.count, feed.steps, feed.batch, feed.targets]).toEqual([3, 5, 2, 5]);
    const batches = [...feed.of(0)];
    expect(batches.map(({ steps, batch, lengths }) => [steps, batch, [...(lengths as Int32Array)]])).toEqual([
      [4, 2, [4, 1]],
      [5, 2, [2, 5]],
      [3, 1, [3]],
    ]);
    expect(batches[0]!.x).toEqual(
      Float32Array.of(
        100,
        101,
        102,
        200,
        201,
        202,
        103,
        104,
        105,
        0,
        0,
        0,
        106,
        107,
        108,
        0,
        0,
        0,
        109,
        110,
        111,
        0,
        0,
        0,
      ),
    );
    expect(batches.map(({ targets }) => [...(targets as Int32Array)])).toEqual([[0, 1], [2, 3], [4]]);
  });

  test('every epoch has every sequence once, in an order of its own that comes again', () => {
    const feed = sequenceBatches(sequences, { features, batch: 2, seed: 7 });
    const orders = [0, 1, 2, 3].map((epoch) =>
      [...feed.of(epoch)].flatMap(({ targets }) => [...(targets as Int32Array)]),
    );
    for (const [epoch, order] of orders.entries()) {
      expect([...order].sort()).toEqual([0, 1, 2, 3, 4]);
      expect([...feed.of(epoch)].flatMap(({ targets }) => [...(targets as Int32Array)])).toEqual(order);
    }
    expect(new Set(orders.map(String)).size).toBeGreaterThan(1);
    // Neighbouring seeds are not neighbouring epochs.
    const other = sequenceBatches(sequences, { features, batch: 5, seed: 8 });
    const next = [0, 1, 2].map((epoch) =>
      [...other.of(epoch)].flatMap(({ targets }) => [...(targets as Int32Array)]),
    );
    expect(next.map(String)).not.toEqual(orders.slice(1).map(String));
  });
});

describe('normalization', () => {
  const features = 3;
  const random = seededRandom(2);
  const sequences = [5, 1, 8].map((steps) => ({
    // The last feature is always the same.
    values: Float32Array.from({ length: steps * features }, (_, i) =>
      i % features === 2 ? 4 : (random() - 0.3) * 10 ** (i % features),
    ),
    target: 0,
  }));
  const moments = momentsOf(sequences, features);

  test('mean 0 and deviation 1 over all steps', () => {
    const all = normalize(sequences, moments).flatMap(({ values }) => [...values]);
    for (let feature = 0; feature < features; feature++) {
      const column = all.filter((_, i) => i % features === feature);
      const mean = column.reduce((sum, x) => sum + x, 0) / column.length;
      const square = column.reduce((sum, x) => sum + x * x, 0) / column.length;
      expect(Math.abs(mean)).toBeLessThan(1e-6);
      expect(Math.abs(square - (feature === 2 ? 0 : 1))).toBeLessThan(1e-6);
    }
    expect(moments.deviation[2]).toBe(1);
  });

  test.each(['lstm', 'gru', 'elman', 'linear'] as const)('folded into a first layer: %s', async (kind) => {
    const layer = kind === 'linear' ? { outputSize: 4 } : { hiddenSize: 4, blocks: 2 };
    const spec = { layers: [{ kind, name: 'first', inputSize: features, ...layer }] } as ModelSpec;
    const tensors = randomModel(seededRandom(3), spec);
    using plain = await createModel(spec, tensors, { kernels: 'simd' });
    using folded = await createModel(spec, foldMoments(spec, tensors, moments), { kernels: 'simd' });
    for (const [i, { values }] of normalize(sequences, moments).entries()) {
      const wanted = await plain.run(values, { steps: values.length / features });
      const found = await folded.run(sequences[i]!.values, { steps: values.length / features });
      // A few roundings of sums below 8, and a contraction behind them.
      for (const [j, y] of wanted.y.entries())
        expect(Math.abs(y - found.y[j]!)).toBeLessThan(64 * 2 ** -24 * 8);
    }
  });

  test('without a bias there is no place for it', () => {
    const spec: ModelSpec = {
      layers: [{ kind: 'linear', name: 'a', inputSize: features, outputSize: 2, bias: false }],
    };
    const tensors = { 'a.weight': { shape: [2, 3], data: new Float32Array(6) } };
    expect(() => foldMoments(spec, tensors, moments)).toThrow('"normalize": false');
  });

  test('nor where others read the input, too', () => {
    const spec: ModelSpec = {
      layers: [
        { kind: 'linear', name: 'a', inputSize: features, outputSize: features },
        { kind: 'combine', name: 'sum', combine: 'add', inputs: ['a', 'input'] },
      ],
    };
    const tensors = randomModel(seededRandom(3), spec);
    expect(() => foldMoments(spec, tensors, moments)).toThrow('alone reads the input');
  });
});
