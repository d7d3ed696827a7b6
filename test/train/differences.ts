import { expect } from 'vitest';
import type { ModelSpec } from '#dist/model/spec.js';
import { isFixed, type OracleBatch, trainOracle, type Weights } from './oracle.js';

/**
 * (L(w + d) − L(w − d)) / 2d is off by d² L‴ / 6 and by the roundings of L, about 2⁻⁵³ L · 10 / d. With d = 2⁻¹⁷,
 * third slopes below 1000 and losses below 10 that is 10⁻⁸ and 10⁻⁹.
 */
const DIFFERENCE = 2 ** -17;
const SLACK = 2e-8;

/** Fails unless every gradient is the slope of the loss; says by how much the worst is off. */
export function expectSlopes(spec: ModelSpec, weights: Weights, batch: OracleBatch): void {
  const { gradients } = trainOracle(spec, weights, batch);
  const trained = Object.entries(weights).filter(([name]) => !isFixed(spec, name));
  expect(Object.keys(gradients)).toEqual(trained.map(([name]) => name));
  const tied = batch.tie ? `${spec.layers.findLast((layer) => layer.kind === 'linear')!.name}.weight` : '';
  for (const [name, { data, shape }] of trained) {
    const gradient = gradients[name]!;
    expect(gradient.shape).toEqual(shape);
    expect(gradient.data.length).toBe(data.length);
    if (name === tied) continue;
    for (const [i, found] of gradient.data.entries()) {
      const at = (value: number) => {
        const moved = { ...weights, [name]: { shape, data: data.with(i, value) } };
        return trainOracle(spec, moved, batch).loss;
      };
      const slope = (at(data[i]! + DIFFERENCE) - at(data[i]! - DIFFERENCE)) / (2 * DIFFERENCE);
      expect(Math.abs(found - slope), `${name}[${i}] is ${found}, expected ${slope}`).toBeLessThan(SLACK);
    }
  }
}
