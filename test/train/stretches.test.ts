import { expect, it } from 'vitest';
import type { ModelSpec } from '#dist/model/spec.js';
import { createTrainer } from '#dist/train-node.js';
import { findExcess } from '../oracle/tolerance.js';
import { randomBatch, randomWeights } from './batches.js';
import { gradientBounds } from './bounds.js';
import { trainOracle } from './oracle.js';

const model = (kind: 'lstm' | 'gru', blocks: number, classes: number): ModelSpec => ({
  layers: [
    { kind: 'embedding', name: 'embedding', count: 7, size: 5 },
    { kind, name: 'rnn', inputSize: 5, hiddenSize: 6, blocks },
    { kind: 'linear', name: 'out', inputSize: 6, outputSize: classes },
  ],
});

/** More rows than a stretch or a strip has, and more outputs than go into one sum; not a multiple of either. */
const manyRows = { steps: 29, batch: 10, classes: 3 };
const manyClasses = { steps: 3, batch: 3, classes: 1037 };

it.each([
  { kind: 'lstm', blocks: 1, ...manyRows },
  { kind: 'lstm', blocks: 2, ...manyRows },
  { kind: 'lstm', blocks: 6, ...manyRows },
  { kind: 'gru', blocks: 2, ...manyRows },
  { kind: 'lstm', blocks: 2, ...manyClasses },
] as const)(
  'gradients that are added up piece by piece: $kind, $blocks blocks, $steps × $batch, $classes classes',
  async ({ kind, blocks, classes, steps, batch }) => {
    const spec = model(kind, blocks, classes);
    const weights = randomWeights(spec, blocks, 0.8, true);
    const drawn = randomBatch(spec, { kind: 'steps' }, { steps, batch, seed: blocks });
    const exact = trainOracle(spec, weights, drawn);
    const bounds = gradientBounds(spec, weights, drawn, exact);
    const tensors = Object.fromEntries(
      Object.entries(weights).map(([name, { shape, data }]) => [
        name,
        { shape: [...shape], data: Float32Array.from(data) },
      ]),
    );
    const [x, targets] = [drawn.x as Int32Array, drawn.targets as Int32Array];
    const found = [];
    for (const threads of [1, 2]) {
      const options = { loss: { kind: 'steps' }, optimizer: { kind: 'sgd' }, threads, tensors } as const;
      const trainer = await createTrainer(spec, { ...options, capacity: { steps, batch } });
      found.push(await trainer.gradients({ x, targets, steps, batch }));
      trainer.dispose();
    }
    const [alone, shared] = found;
    for (const [name, { data }] of Object.entries(exact.gradients)) {
      expect(findExcess(alone![name]!.data, data, bounds.gradients[name]!), name).toBeNull();
      expect(shared![name]!.data, name).toEqual(alone![name]!.data);
    }
  },
);
