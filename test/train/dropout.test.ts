import { describe, expect, it } from 'vitest';
import type { ModelSpec } from '#dist/model/spec.js';
import { availableKernels } from '#dist/node.js';
import { layerOf } from '../session/draw.js';
import { randomBatch, randomWeights, tower } from './batches.js';
import { lotOf, lotSeed } from './lots.js';
import { type OracleBatch, trainOracle } from './oracle.js';
import { batchOf, expectOracle, expectSameTensors, trainerOf } from './trained.js';

/** What the outputs of embeddings and recurrent layers are multiplied by in a step. */
function maskOf(spec: ModelSpec, rate: number, seed: number, step: number): NonNullable<OracleBatch['mask']> {
  const threshold = Math.floor(rate * 2 ** 32);
  const scale = Math.fround(1 / (1 - rate));
  return (layer, row, column) => {
    const { kind } = spec.layers[layer]!;
    if (kind === 'linear' || kind === 'activation') return 1;
    return lotOf(lotSeed(seed, step, layer, 'dropout'), row, column) < threshold ? 0 : scale;
  };
}

const specs: Record<string, ModelSpec> = {
  'a tower': tower(6, 2),
  'diagonal behind an embedding': {
    layers: [
      { kind: 'embedding', name: 'e', count: 6, size: 9 },
      layerOf('lstm', 'rnn', 9, 40, 40),
      { kind: 'linear', name: 'out', inputSize: 40, outputSize: 6 },
    ],
  },
};

describe.each(availableKernels())('%s', (kernels) => {
  it.each(Object.keys(specs))('gradients with dropout are the oracle’s with its mask: %s', async (name) => {
    const spec = specs[name]!;
    for (const [k, dropout] of [0.25, 0.5, 0.9].entries()) {
      const weights = randomWeights(spec, k, 0.8, true);
      const loss = k === 1 ? ({ kind: 'sequence', pool: 'mean' } as const) : ({ kind: 'steps' } as const);
      const plain = randomBatch(spec, loss, { steps: 5, batch: 3, seed: k, lengths: [5, 2, 4] });
      const seed = k * 1_000_003 - 1;
      const trainer = await trainerOf(spec, weights, plain, { dropout, seed, kernels });
      // Steps of rate 0 change no weight, but each leaves out others.
      for (let step = 0; step < 3; step++) {
        const batch = { ...plain, mask: maskOf(spec, dropout, seed, step) };
        await expectOracle(trainer, weights, batch, { what: `step ${step}` });
      }
      const expected = trainOracle(spec, weights, plain);
      const { loss: found, hits } = await trainer.evaluate(batchOf(plain));
      expect(found).toBeCloseTo(expected.loss, 5);
      expect(hits).toBe(expected.hits);
      trainer.dispose();
    }
  });
});

it('the seed decides, and so does the step', async () => {
  const spec = specs['a tower']!;
  const weights = randomWeights(spec, 1, 0.8, true);
  const batch = randomBatch(spec, { kind: 'steps' }, { steps: 5, batch: 3, seed: 1 });
  const losses = async (seed: number) => {
    const trainer = await trainerOf(spec, weights, batch, { dropout: 0.5, seed });
    const found: number[] = [];
    for (let step = 0; step < 3; step++) found.push((await trainer.step(batchOf(batch), 0)).loss);
    trainer.dispose();
    return found;
  };
  const [first, again, other] = [await losses(1), await losses(1), await losses(2)];
  expect(again).toEqual(first);
  expect(new Set([...first, ...other]).size).toBe(6);
});

it('no dropout is what there is without it', async () => {
  const spec = specs['a tower']!;
  const weights = randomWeights(spec, 1, 0.8, true);
  const batch = randomBatch(spec, { kind: 'steps' }, { steps: 5, batch: 3, seed: 1 });
  const [none, least] = [
    await trainerOf(spec, weights, batch),
    // Less than one in 2^32: nothing is ever left out, and it is scaled by 1.
    await trainerOf(spec, weights, batch, { dropout: 1e-12 }),
  ];
  expectSameTensors(await least.gradients(batchOf(batch)), await none.gradients(batchOf(batch)));
});
