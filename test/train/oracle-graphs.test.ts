import { describe, expect, it } from 'vitest';
import { checkSpec } from '#dist/model/check.js';
import { runOracle } from '../oracle/model.js';
import { randomBatch, randomWeights } from './batches.js';
import { expectSlopes } from './differences.js';
import { graphs } from './graphs.js';
import { type OracleLoss, trainOracle } from './oracle.js';

const losses: OracleLoss[] = [
  { kind: 'steps' },
  { kind: 'sequence', pool: 'last' },
  { kind: 'sequence', pool: 'mean' },
  { kind: 'ctc' },
];

/** What is passed on from one way of computing in f64 to another: thousands of roundings of numbers about 1. */
const SAME = 1e-11;

describe.each(Object.keys(graphs))('%s', (name) => {
  const spec = checkSpec(graphs[name]!);
  const measures = { steps: 4, batch: 2, lengths: [4, 2], withState: true };

  it('gradients are slopes', () => {
    for (const [k, loss] of losses.entries()) {
      // Of the losses each has its turn with one graph or another; of the first there are all.
      if (k > 0 && (Object.keys(graphs).indexOf(name) + k) % 3 > 0) continue;
      const batch = randomBatch(spec, loss, { ...measures, seed: k + 1 });
      expectSlopes(spec, randomWeights(spec, k + 10, 0.5), batch);
    }
  });

  it('runs as the oracle of inference does', () => {
    const weights = randomWeights(spec, 5, 0.8, true) as Parameters<typeof runOracle>[1];
    const batch = randomBatch(spec, { kind: 'steps' }, { ...measures, seed: 6 });
    const { logits, state } = trainOracle(spec, weights, batch);
    const { y, state: expected } = runOracle(spec, weights, batch.x, batch);
    expectNear(logits, y);
    expect(state.length).toBe(expected.length);
    for (const [k, { h, c }] of expected.entries()) {
      expectNear(state[k]!.h, h);
      if (c !== undefined) expectNear(state[k]!.c!, c);
    }
  });
});

function expectNear(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++)
    expect(Math.abs(actual[i]! - expected[i]!), `[${i}]`).toBeLessThan(
      SAME * Math.max(1, Math.abs(expected[i]!)),
    );
}
