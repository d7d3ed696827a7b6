import { describe, expect, it, test } from 'vitest';
import { checkSpec } from '#dist/model/check.js';
import { checkTensors } from '#dist/model/tensors.js';
import { type Kept, normOf, optimize } from './optimizers.js';
import { trainOracle, type Weights } from './oracle.js';
import { REFERENCE_ROUNDING, readReference } from './reference.js';

/** Beside the digits that were cut off: f64 roundings of numbers about 1, on both sides, over a few steps. */
const SAME = 1e-12;

const { cases, training } = readReference();

function expectNear(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  expect(actual.length, what).toBe(expected.length);
  for (const [i, value] of expected.entries()) {
    const bound = REFERENCE_ROUNDING * Math.abs(value) + SAME;
    expect(Math.abs(actual[i]! - value), `${what}[${i}] is ${actual[i]}, expected ${value}`).toBeLessThan(
      bound,
    );
  }
}

describe('PyTorch’s losses and gradients', () => {
  it.each(cases)('$name', ({ spec, tensors, batch, expected }) => {
    const { loss, gradients } = trainOracle(checkSpec(spec), checkTensors(spec, tensors), batch);
    expectNear([loss], [expected.loss], 'loss');
    expect(Object.keys(gradients)).toEqual(Object.keys(expected.gradients));
    for (const [name, values] of Object.entries(expected.gradients)) {
      expectNear(gradients[name]!.data, values, name);
      // A gradient of nothing would prove nothing.
      expect(normOf([Float64Array.from(values)]), name).toBeGreaterThan(1e-3);
    }
  });
});

describe('PyTorch’s trajectories', () => {
  it.each(training.trajectories)('$optimizer', ({ optimizer, learningRate, losses, norms, tensors }) => {
    const weights: Weights = {};
    const kept: Record<string, Kept> = {};
    for (const [name, { shape, data }] of Object.entries(training.tensors)) {
      weights[name] = { shape, data: Float64Array.from(data) };
      kept[name] = { first: new Float64Array(data.length), second: new Float64Array(data.length) };
    }
    for (const [k, batch] of training.batches.entries()) {
      const { loss, gradients } = trainOracle(training.spec, weights, batch);
      const norm = normOf(Object.values(gradients).map(({ data }) => data));
      expectNear([loss, norm], [losses[k]!, norms[k]!], `step ${k}`);
      const scale = Math.min(1, training.clip / (norm + 1e-6));
      for (const [name, { data }] of Object.entries(gradients)) {
        const clipped = data.map((g) => g * scale);
        optimize(optimizer, weights[name]!.data as Float64Array, clipped, kept[name]!, learningRate, k + 1);
      }
    }
    for (const [name, values] of Object.entries(tensors)) expectNear(weights[name]!.data, values, name);
  });

  it('some steps are clipped and some are not', () => {
    const norms = training.trajectories.flatMap((one) => one.norms);
    expect(Math.min(...norms)).toBeLessThan(training.clip);
    expect(Math.max(...norms)).toBeGreaterThan(training.clip);
  });
});

test('the reference has all that there is to compare', () => {
  const kinds = new Set(cases.flatMap(({ spec }) => spec.layers.map(({ kind }) => kind)));
  expect([...kinds].sort().join(' ')).toBe('activation elman embedding gru linear lngru lnlstm lstm');
  expect(new Set(cases.map(({ batch }) => JSON.stringify(batch.loss))).size).toBe(4);
});
