import { expect, it } from 'vitest';
import { findExcess } from '../oracle/tolerance.js';
import { normedTower, randomBatch, randomWeights, secondTower, tower } from './batches.js';
import { gradientBounds } from './bounds.js';
import { type OracleLoss, trainOracle } from './oracle.js';

const losses: OracleLoss[] = [
  { kind: 'steps' },
  { kind: 'sequence', pool: 'last' },
  { kind: 'sequence', pool: 'mean' },
  { kind: 'ctc' },
];

/** The largest element, of which a bound is some part. */
const most = (values: Float64Array) => values.reduce((size, v) => Math.max(size, Math.abs(v)), 0);

it.each(losses)('the oracle rounded to f32 is within the bounds, and they are tight: %j', (loss) => {
  const towers = [tower, secondTower, normedTower].flatMap((make) =>
    [1, 2, 6].map((blocks) => make(6, blocks)),
  );
  for (const [k, spec] of towers.entries()) {
    const weights = randomWeights(spec, k + 1, 0.8, true);
    const batch = randomBatch(spec, loss, {
      steps: 7,
      batch: 3,
      seed: k + 5,
      withState: true,
      lengths: [7, 3, 5],
    });
    const exact = trainOracle(spec, weights, batch);
    const bounds = gradientBounds(spec, weights, batch, exact);
    const rounded = trainOracle(spec, weights, batch, Math.fround);
    expect(Math.abs(rounded.loss - exact.loss)).toBeLessThan(bounds.loss);
    expect(bounds.loss).toBeLessThan(1e-4);
    for (const [name, { data }] of Object.entries(exact.gradients)) {
      expect(findExcess(rounded.gradients[name]!.data, data, bounds.gradients[name]!), name).toBeNull();
      // So that a wrong term, however small a part of the whole, does not pass for a rounding.
      expect(most(bounds.gradients[name]!) / most(data), name).toBeLessThan(1e-3);
    }
  }
});
