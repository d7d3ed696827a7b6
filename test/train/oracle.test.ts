import { describe, expect, it, test } from 'vitest';
import type { ModelSpec } from '#dist/model/spec.js';
import { runOracle } from '../oracle/model.js';
import { modelOf, normedTower, randomBatch, randomWeights, secondTower, tower } from './batches.js';
import { blockKinds, lossesBy, trainKinds } from './cells.js';
import { expectSlopes } from './differences.js';
import { ctc, logSoftmax } from './losses.js';
import { type OracleLoss, trainOracle } from './oracle.js';
import { type Node, Tape } from './tape.js';

/** What is passed on from one way of computing in f64 to another: thousands of roundings of numbers about 1. */
const SAME = 1e-12;

const losses: OracleLoss[] = [
  { kind: 'steps' },
  { kind: 'sequence', pool: 'last' },
  { kind: 'sequence', pool: 'mean' },
  { kind: 'ctc' },
];

const structures = [
  { hiddenSize: 1, blocks: 1 },
  { hiddenSize: 4, blocks: 1 },
  { hiddenSize: 6, blocks: 3 },
  { hiddenSize: 3, blocks: 3 },
];

describe.each(trainKinds)('%s: gradients are slopes', (kind) => {
  it.each(structures)('$blocks blocks, $hiddenSize units', (structure) => {
    const spec = modelOf(kind, structure);
    const turn = structures.indexOf(structure) + trainKinds.indexOf(kind);
    for (const [k, loss] of lossesBy(losses, kind, turn)) {
      const batch = randomBatch(spec, loss, {
        steps: 4,
        batch: 3,
        seed: k + 1,
        lengths: [4, 1, 3],
        withState: true,
      });
      expectSlopes(spec, randomWeights(spec, k + 10), batch);
    }
  });

  it('one step of one stream', () => {
    const spec = modelOf(kind, { hiddenSize: 4, blocks: 2 });
    for (const [k, loss] of lossesBy(losses, kind, trainKinds.indexOf(kind)))
      expectSlopes(
        spec,
        randomWeights(spec, k),
        randomBatch(spec, loss, { steps: 1, batch: 1, seed: k + 5 }),
      );
  });
});

describe('stacks', () => {
  it.each([1, 2, 4])('all cells and activations, %i blocks', (blocks) => {
    const spec = tower(4, blocks);
    const batch = randomBatch(spec, { kind: 'steps' }, { steps: 2, batch: 2, seed: 3, withState: true });
    expectSlopes(spec, randomWeights(spec, 4), batch);
  });

  it.each([1, 2])('the other cells, %i blocks', (blocks) => {
    const spec = secondTower(2, blocks);
    const batch = randomBatch(spec, { kind: 'steps' }, { steps: 2, batch: 1, seed: 3, withState: true });
    expectSlopes(spec, randomWeights(spec, 4), batch);
  });

  it.each([1, 2])('cells whose units meet, %i blocks', (blocks) => {
    const spec = normedTower(4, blocks);
    const batch = randomBatch(spec, { kind: 'steps' }, { steps: 2, batch: 1, seed: 3, withState: true });
    expectSlopes(spec, randomWeights(spec, 4), batch);
  });

  it('tied weights', () => {
    const spec = tied();
    const weights = randomWeights(spec, 7);
    const batch = { ...randomBatch(spec, { kind: 'steps' }, { steps: 3, batch: 2, seed: 8 }), tie: true };
    expectSlopes(spec, weights, batch);
    const { gradients } = trainOracle(spec, weights, batch);
    expect(gradients['out.weight']!.data).toEqual(gradients['embedding.weight']!.data);
  });

  it('dropout', () => {
    const spec = tied();
    const mask = (layer: number, row: number, column: number) =>
      layer < 2 && (row * 7 + column * 3 + layer) % 4 === 0 ? 0 : 1.25;
    const batch = { ...randomBatch(spec, { kind: 'steps' }, { steps: 3, batch: 2, seed: 8 }), mask };
    expectSlopes(spec, randomWeights(spec, 9), batch);
  });

  it.each([tower(4, 2), secondTower(4, 2), normedTower(4, 2)])(
    'runs as the oracle of inference does',
    (spec) => {
      const weights = randomWeights(spec, 5, 0.8, true) as Parameters<typeof runOracle>[1];
      const batch = randomBatch(
        spec,
        { kind: 'steps' },
        { steps: 3, batch: 3, seed: 6, lengths: [3, 0, 2], withState: true },
      );
      const { logits, state } = trainOracle(spec, weights, batch);
      const { y, state: expected } = runOracle(spec, weights, batch.x, batch);
      expectNear(logits, y);
      for (const [k, record] of expected.entries()) {
        expect(Object.keys(state[k]!)).toEqual(Object.keys(record));
        for (const name of Object.keys(record) as (keyof typeof record)[])
          expectNear(state[k]![name]!, record[name]!);
      }
    },
  );
});

test.each(blockKinds)(
  '%s: a block layer has the gradients of the dense layer that holds its weights',
  (kind) => {
    const sizes = { hiddenSize: 6, blocks: 3 };
    const spec = modelOf(kind, sizes);
    const dense = modelOf(kind, { ...sizes, blocks: 1 });
    const weights = randomWeights(spec, 11);
    const { shape, data } = weights['rnn.weight_hh']!;
    const rows = shape[0]!;
    const places = Array.from(data, (_, i) => {
      const row = Math.floor(i / 2);
      const block = Math.floor((row % 6) / 2);
      return row * 6 + block * 2 + (i % 2);
    });
    const wide = new Float64Array(rows * 6);
    for (const [i, place] of places.entries()) wide[place] = data[i]!;
    for (const loss of losses) {
      const batch = randomBatch(spec, loss, { steps: 4, batch: 2, seed: 12, lengths: [4, 3] });
      const found = trainOracle(spec, weights, batch);
      const expected = trainOracle(
        dense,
        { ...weights, 'rnn.weight_hh': { shape: [rows, 6], data: wide } },
        batch,
      );
      expect(found.loss).toBeCloseTo(expected.loss, 12);
      for (const [name, gradient] of Object.entries(expected.gradients)) {
        const same = name === 'rnn.weight_hh' ? places.map((place) => gradient.data[place]!) : gradient.data;
        expectNear(found.gradients[name]!.data, same);
      }
    }
  },
);

describe('what is counted', () => {
  const spec = modelOf('lstm', { hiddenSize: 3 });
  const weights = randomWeights(spec, 1);

  it('steps without a target, and steps past a length, count for nothing', () => {
    const batch = randomBatch(spec, { kind: 'steps' }, { steps: 3, batch: 2, seed: 2, lengths: [3, 1] });
    const targets = [1, 2, -1, 3, 0, -1];
    const { loss, count, hits, logits } = trainOracle(spec, weights, { ...batch, targets });
    const rows = [0, 1, 4].map((row) => logits.subarray(row * 4, row * 4 + 4));
    const mean = rows.reduce((sum, row, i) => sum - logSoftmax(row)[[1, 2, 0][i]!]! / 3, 0);
    expect(count).toBe(3);
    expect(loss).toBeCloseTo(mean, 12);
    expect(hits).toBe(rows.filter((row, i) => row.indexOf(Math.max(...row)) === [1, 2, 0][i]).length);
    expect([...logits.subarray(12, 16), ...logits.subarray(20)]).toEqual(Array(8).fill(0));
    const other = trainOracle(spec, weights, { ...batch, targets: targets.with(3, 1).with(5, 2) });
    expect(other.loss).toBe(loss);
  });

  it('no target at all gives no loss and no gradient', () => {
    const batch = randomBatch(spec, { kind: 'steps' }, { steps: 2, batch: 1, seed: 2 });
    const result = trainOracle(spec, weights, { ...batch, targets: [-1, -1] });
    expect([result.loss, result.count, result.hits]).toEqual([0, 0, 0]);
    for (const { data } of Object.values(result.gradients)) expect(data.every((g) => g === 0)).toBe(true);
  });
});

describe('CTC', () => {
  it.each([
    { steps: 1, labels: [] },
    { steps: 3, labels: [] },
    { steps: 1, labels: [2] },
    { steps: 4, labels: [1] },
    { steps: 4, labels: [1, 2] },
    { steps: 3, labels: [1, 1] },
    { steps: 5, labels: [2, 2, 1] },
  ])('is the sum over the paths: $labels in $steps steps', ({ steps, labels }) => {
    const tape = new Tape();
    const logits = Array.from({ length: steps }, (_, t) =>
      tape.leaf([Math.sin(3 * t), Math.cos(5 * t), Math.sin(7 * t + 1)]),
    );
    expect(ctc(logits, labels, 1)).toBeCloseTo(-Math.log(sumOverPaths(logits, labels)), 12);
  });

  it('says when the labels do not fit', () => {
    const tape = new Tape();
    expect(() => ctc([tape.leaf([0, 0]), tape.leaf([0, 0])], [1, 1], 1)).toThrow('do not fit');
  });
});

/** Π softmax over every path, for those that give the labels: classes ** steps of them. */
function sumOverPaths(logits: readonly Node[], labels: readonly number[]): number {
  const logs = logits.map((x) => logSoftmax(x.value));
  let sum = 0;
  const walk = (t: number, path: number[], log: number): void => {
    if (t === logs.length) {
      const read = path.filter((k, i) => k !== path[i - 1]).filter((k) => k !== 0);
      if (read.join() === labels.join()) sum += Math.exp(log);
      return;
    }
    for (const [k, next] of logs[t]!.entries()) walk(t + 1, [...path, k], log + next);
  };
  walk(0, [], 0);
  return sum;
}

function tied(): ModelSpec {
  return {
    layers: [
      { kind: 'embedding', name: 'embedding', count: 5, size: 3 },
      { kind: 'gru', name: 'rnn', inputSize: 3, hiddenSize: 3 },
      { kind: 'linear', name: 'out', inputSize: 3, outputSize: 5 },
    ],
  };
}

function expectNear(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++)
    expect(Math.abs(actual[i]! - expected[i]!), `[${i}]`).toBeLessThan(SAME);
}
