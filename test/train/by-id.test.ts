import { describe, expect, it } from 'vitest';
import { type ModelSpec, outputsOf } from '#dist/model/spec.js';
import { availableKernels } from '#dist/node.js';
import { createTrainer } from '#dist/train-node.js';
import { layerOf } from '../session/draw.js';
import { randomBatch, randomWeights } from './batches.js';
import { type TrainKind, trainKinds, trainLayer } from './cells.js';
import { batchOf, expectOracle, expectSameTensors, f32Of, optionsOf, trainerOf } from './trained.js';

// Rows are counted against the ids with their padding, eight of them here: 32 rows and more go by id.
const ids = 5;

function specOf(kind: TrainKind, hiddenSize: number, blocks: number): ModelSpec {
  const layer = trainLayer(kind, 'rnn', 3, hiddenSize, blocks);
  return {
    layers: [
      { kind: 'embedding', name: 'e', count: ids, size: 3 },
      layer,
      { kind: 'linear', name: 'out', inputSize: outputsOf(layer), outputSize: 4 },
    ],
  };
}

describe.each(trainKinds)('a large batch of few ids, %s', (kind) => {
  it.each([
    [6, 1],
    [6, 2],
    [6, 6],
    [70, 70],
  ])('H %i, N %i: gradients are the oracle’s', async (hiddenSize, blocks) => {
    const spec = specOf(kind, hiddenSize, blocks);
    const weights = randomWeights(spec, 1, 0.6, true);
    for (const kernels of availableKernels()) {
      const measures = { steps: 8, batch: 5, lengths: [8, 3, 8, 1, 5], seed: 2, withState: true };
      const batch = randomBatch(spec, { kind: 'steps' }, measures);
      const trainer = await trainerOf(spec, weights, batch, { kernels });
      await expectOracle(trainer, weights, batch);
      trainer.dispose();
    }
  });

  it.each([1, 2, 6])('N %i: any number of threads gives the same bytes', async (blocks) => {
    const spec = specOf(kind, 6, blocks);
    const tensors = f32Of(randomWeights(spec, 3, 0.6, true));
    const batch = batchOf(randomBatch(spec, { kind: 'steps' }, { steps: 9, batch: 4, seed: 5 }));
    const gradients = [];
    for (const threads of [1, 2, 3]) {
      const trainer = await createTrainer(spec, optionsOf({ tensors, threads }));
      gradients.push(await trainer.gradients(batch));
      trainer.dispose();
    }
    const [first, ...others] = gradients;
    for (const other of others) expectSameTensors(other, first!);
  });
});

it('a tied table gets both gradients', async () => {
  const spec: ModelSpec = {
    layers: [
      { kind: 'embedding', name: 'e', count: ids, size: 6 },
      layerOf('lstm', 'rnn', 6, 6, 2),
      { kind: 'linear', name: 'out', inputSize: 6, outputSize: ids },
    ],
  };
  const weights = randomWeights(spec, 4, 0.6, true);
  weights['out.weight'] = weights['e.weight']!;
  const batch = { ...randomBatch(spec, { kind: 'steps' }, { steps: 8, batch: 4, seed: 6 }), tie: true };
  const trainer = await trainerOf(spec, weights, batch);
  await expectOracle(trainer, weights, batch);
  expect(trainer.spec.layers).toHaveLength(3);
  trainer.dispose();
});
