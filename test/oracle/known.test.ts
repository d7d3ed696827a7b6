import { describe, expect, it } from 'vitest';
import type { ModelSpec } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { runOracle } from './model.js';
import { findExcess, UNIT_ROUNDOFF } from './tolerance.js';

/** Arguments like ln 3 are rounded to f32 before the oracle sees them: a few roundoffs of numbers about 1. */
const rounded = 8 * UNIT_ROUNDOFF;

function expectNear(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(
    findExcess(
      actual,
      expected,
      expected.map((v) => rounded * Math.max(1, Math.abs(v))),
    ),
  ).toBeNull();
}

function tensorsOf(parts: Record<string, [shape: number[], data: number[]]>): Tensors {
  return Object.fromEntries(
    Object.entries(parts).map(([name, [shape, data]]) => [name, { shape, data: Float32Array.from(data) }]),
  );
}

describe('the oracle, by hand', () => {
  // sigmoid(ln 3) = 3/4, sigmoid(-ln 3) = 1/4, sigmoid(ln 4) = 4/5, tanh(ln 2) = 3/5, tanh(ln 3) = 4/5
  const { LN2 } = Math;
  const ln3 = Math.log(3);
  const ln4 = Math.log(4);

  it('LSTM of two blocks of one unit', () => {
    const spec: ModelSpec = { layers: [{ kind: 'lstm', name: 'a', inputSize: 1, hiddenSize: 2, blocks: 2 }] };
    // unit 0: i from x, f from bias_ih, g from h, o from bias_hh; unit 1: i from h, f from bias_hh, g from x, o from bias_ih
    const tensors = tensorsOf({
      'a.weight_ih': [
        [8, 1],
        [ln3, 0, 0, 0, 0, LN2, 0, 0],
      ],
      'a.weight_hh': [
        [8, 1],
        [0, ln3 / 4, 0, 0, 2 * LN2, 0, 0, 0],
      ],
      'a.bias_ih': [[8], [0, 0, -ln3, 0, 0, 0, 0, ln3]],
      'a.bias_hh': [[8], [0, 0, 0, ln4, 0, 0, ln4, 0]],
    });
    // c' = c/4 + 3/4 · 3/5 = ln 2 and h' = 4/5 · 3/5; c' = 4/5 c + 3/4 · 3/5 = ln 3 and h' = 3/4 · 4/5
    const state = [{ h: [0.5, 4], c: [4 * (LN2 - 0.45), (ln3 - 0.45) / 0.8] }];
    const run = runOracle(spec, tensors, [1], { steps: 1, batch: 1, state });
    expectNear(run.y, [0.48, 0.6]);
    expectNear(run.state[0]!.h, [0.48, 0.6]);
    expectNear(run.state[0]!.c!, [LN2, ln3]);
  });

  it.each([
    // n = tanh(a + 3/4 (2 · 0.5 + 0.2)) = tanh(a + 0.9)
    { resetAfter: true, a: LN2 - 0.9 },
    // n = tanh(a + 2 (3/4 · 0.5) + 0.2) = tanh(a + 0.95)
    { resetAfter: false, a: LN2 - 0.95 },
  ])('GRU with resetAfter $resetAfter', ({ resetAfter, a }) => {
    const spec: ModelSpec = { layers: [{ kind: 'gru', name: 'a', inputSize: 1, hiddenSize: 1, resetAfter }] };
    const tensors = tensorsOf({
      'a.weight_ih': [
        [3, 1],
        [0, -ln3 / 2, a / 4],
      ],
      'a.weight_hh': [
        [3, 1],
        [ln3, 0, 2],
      ],
      'a.bias_ih': [[3], [ln3 / 2, 0, a / 2]],
      'a.bias_hh': [[3], [0, 0, 0.2]],
    });
    // r = sigmoid(ln 3 / 2 + ln 3 · 0.5) = 3/4, z = 1/4, h' = 3/4 · 3/5 + 1/4 · 1/2
    const run = runOracle(spec, tensors, [2], { steps: 1, batch: 1, state: [{ h: [0.5] }] });
    expectNear(run.y, [0.575]);
  });

  it('Elman: two blocks of two units read their own two states; two steps', () => {
    const tensors = tensorsOf({
      'a.weight_ih': [
        [4, 1],
        [1, 2, 3, -4],
      ],
      'a.weight_hh': [
        [4, 2],
        [1, 10, 100, 1000, 1, 10, 100, 0],
      ],
      'a.bias_ih': [[4], [0.25, 0, 0, 0]],
      'a.bias_hh': [[4], [0.25, 0, 0, 0]],
    });
    const layer = { kind: 'elman', name: 'a', inputSize: 1, hiddenSize: 4, blocks: 2 } as const;
    const options = { steps: 2, batch: 1, state: [{ h: [1, 2, 3, 4] }] };
    const relu = runOracle({ layers: [{ ...layer, activation: 'relu' }] }, tensors, [1, -1000], options);
    const first = [22.5, 2102, 46, 296];
    const second = [22.5 + 21020 - 1000 + 0.5, 2250 + 2102000 - 2000, 46 + 2960 - 3000, 4600 + 4000];
    expect([...relu.y]).toEqual([...first, ...second]);
    expect([...relu.state[0]!.h]).toEqual(second);

    const small = tensorsOf({
      'a.weight_ih': [[1, 1], [LN2]],
      'a.weight_hh': [[1, 1], [(ln3 - LN2) / 0.6]],
      'a.bias_ih': [[1], [0]],
      'a.bias_hh': [[1], [0]],
    });
    const tanh: ModelSpec = { layers: [{ kind: 'elman', name: 'a', inputSize: 1, hiddenSize: 1 }] };
    expectNear(runOracle(tanh, small, [1, 1], { steps: 2, batch: 1 }).y, [0.6, 0.8]);
  });

  it('embedding, linear and each activation', () => {
    const tensors = tensorsOf({
      'e.weight': [
        [2, 2],
        [1, 2, 3, 4],
      ],
      'l.weight': [
        [2, 2],
        [ln3, 0, 0, LN2],
      ],
      'l.bias': [[2], [-ln3, -LN2]],
    });
    // id 0 gives [0, ln 2], id 1 gives [2 ln 3, 3 ln 2]
    const run = (last: ModelSpec['layers']) =>
      runOracle(
        {
          layers: [
            { kind: 'embedding', name: 'e', count: 2, size: 2 },
            { kind: 'linear', name: 'l', inputSize: 2, outputSize: 2 },
            ...last,
          ],
        },
        tensors,
        [0, 1],
        { steps: 2, batch: 1 },
      ).y;
    expectNear(run([]), [0, LN2, 2 * ln3, 3 * LN2]);
    const activate = (activation: 'tanh' | 'sigmoid' | 'relu' | 'softmax' | 'logSoftmax') =>
      run([{ kind: 'activation', name: 'a', activation }]);
    expectNear(activate('tanh'), [0, 0.6, 80 / 82, 63 / 65]);
    expectNear(activate('sigmoid'), [0.5, 2 / 3, 0.9, 8 / 9]);
    expectNear(activate('relu'), [0, LN2, 2 * ln3, 3 * LN2]);
    expectNear(activate('softmax'), [1 / 3, 2 / 3, 9 / 17, 8 / 17]);
    expectNear(activate('logSoftmax'), [1 / 3, 2 / 3, 9 / 17, 8 / 17].map(Math.log));
  });

  it('relu cuts, and a softmax does not overflow', () => {
    const spec = (activation: 'relu' | 'softmax' | 'logSoftmax'): ModelSpec => ({
      layers: [
        { kind: 'linear', name: 'l', inputSize: 1, outputSize: 2, bias: false },
        { kind: 'activation', name: 'a', activation },
      ],
    });
    const tensors = tensorsOf({
      'l.weight': [
        [2, 1],
        [-1, 1],
      ],
    });
    expect([...runOracle(spec('relu'), tensors, [5], { steps: 1, batch: 1 }).y]).toEqual([0, 5]);
    expectNear(runOracle(spec('softmax'), tensors, [1e4], { steps: 1, batch: 1 }).y, [0, 1]);
    expectNear(runOracle(spec('logSoftmax'), tensors, [1e4], { steps: 1, batch: 1 }).y, [-2e4, 0]);
  });

  it('past its length a stream gives zeros, biases notwithstanding, and keeps its state', () => {
    const spec: ModelSpec = {
      layers: [
        { kind: 'elman', name: 'a', inputSize: 1, hiddenSize: 1, activation: 'relu' },
        { kind: 'linear', name: 'l', inputSize: 1, outputSize: 1 },
      ],
    };
    const tensors = tensorsOf({
      'a.weight_ih': [[1, 1], [1]],
      'a.weight_hh': [[1, 1], [2]],
      'a.bias_ih': [[1], [0]],
      'a.bias_hh': [[1], [0]],
      'l.weight': [[1, 1], [1]],
      'l.bias': [[1], [100]],
    });
    const run = runOracle(spec, tensors, [1, 2, 3, 10, 20, 30], {
      steps: 2,
      batch: 3,
      state: [{ h: [5, 6, 7] }],
      lengths: [0, 1, 2],
    });
    expect([...run.y]).toEqual([0, 114, 117, 0, 0, 164]);
    expect([...run.state[0]!.h]).toEqual([5, 14, 64]);
    expect([run.bound[0], run.bound[3], run.bound[4]]).toEqual([0, 0, 0]);
    expect(run.stateBound[0]!.h[0]).toBe(0);
  });
});
