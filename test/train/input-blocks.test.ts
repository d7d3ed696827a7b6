import { describe, expect, it, test } from 'vitest';
import type { ModelSpec } from '#dist/model/spec.js';
import { availableKernels } from '#dist/node.js';
import { createTrainer } from '#dist/train-node.js';
import { randomWeights } from './batches.js';
import { between, drawBatch } from './between.js';
import { type TrainKind, trainKinds, trainLayer } from './cells.js';
import { expectSlopes } from './differences.js';
import { batchOf, expectOracle, f32Of, optionsOf, trainerOf } from './trained.js';

/** M blocks of inputs and N of units, of every number beside the other; more than one part of a diagonal layer. */
const structures = [
  { inputSize: 6, hiddenSize: 6, blocks: 3, inputBlocks: 3 },
  { inputSize: 8, hiddenSize: 12, blocks: 6, inputBlocks: 2 },
  { inputSize: 12, hiddenSize: 12, blocks: 2, inputBlocks: 6 },
  { inputSize: 6, hiddenSize: 12, blocks: 4, inputBlocks: 3 },
  { inputSize: 9, hiddenSize: 9, blocks: 9, inputBlocks: 9 },
  { inputSize: 7, hiddenSize: 7, blocks: 1, inputBlocks: 7 },
  { inputSize: 15, hiddenSize: 35, blocks: 7, inputBlocks: 5 },
  { inputSize: 10, hiddenSize: 70, blocks: 70, inputBlocks: 5 },
  { inputSize: 32, hiddenSize: 16, blocks: 2, inputBlocks: 2 },
];
type Structure = (typeof structures)[number];

function modelOf(kind: TrainKind, { inputSize, hiddenSize, blocks, inputBlocks }: Structure): ModelSpec {
  return between({ ...trainLayer(kind, 'rnn', inputSize, hiddenSize, blocks), inputBlocks });
}

describe.each(availableKernels())('%s: gradients are the oracle’s', (kernels) => {
  describe.each(trainKinds)('%s', (kind) => {
    it.each(structures)('$inputBlocks blocks of $inputSize, $blocks of $hiddenSize', async (structure) => {
      const spec = modelOf(kind, structure);
      const turn = structures.indexOf(structure) + trainKinds.indexOf(kind);
      const weights = randomWeights(spec, turn, 0.8, true);
      const batch = drawBatch(spec, turn);
      const trainer = await trainerOf(spec, weights, batch, { kernels });
      await expectOracle(trainer, weights, batch);
      trainer.dispose();
    });
  });
});

test.each(trainKinds)('%s: the oracle’s gradients are slopes', (kind) => {
  for (const [k, structure] of structures.slice(0, 4).entries()) {
    const spec = modelOf(kind, structure);
    if (k === trainKinds.indexOf(kind) % 4) expectSlopes(spec, randomWeights(spec, k), drawBatch(spec, k));
  }
});

test.each(trainKinds)('%s: its gradients are those of the layer that reads all, with zeros', async (kind) => {
  const structure = { inputSize: 6, hiddenSize: 12, blocks: 4, inputBlocks: 3 };
  const spec = modelOf(kind, structure);
  const whole = modelOf(kind, { ...structure, inputBlocks: 1 });
  const tensors = f32Of(randomWeights(spec, 3, 0.8, true));
  const { shape, data } = tensors['rnn.weight_ih']!;
  const rows = shape[0]!;
  const places = Array.from(data, (_, i) => {
    const row = Math.floor(i / 2);
    return row * 6 + Math.floor((row % 12) / 4) * 2 + (i % 2);
  });
  const wide = new Float32Array(rows * 6);
  for (const [i, place] of places.entries()) wide[place] = data[i]!;
  const dense = { ...tensors, 'rnn.weight_ih': { shape: [rows, 6], data: wide } };
  const batch = batchOf(drawBatch(spec, 4));
  const trainers = [
    await createTrainer(spec, optionsOf({ tensors })),
    await createTrainer(whole, optionsOf({ tensors: dense })),
  ] as const;
  const [found, expected] = [await trainers[0].gradients(batch), await trainers[1].gradients(batch)];
  for (const [name, { data: all }] of Object.entries(expected)) {
    const same = name === 'rnn.weight_ih' ? places.map((place) => all[place]!) : all;
    const most = Math.max(...Array.from(same, Math.abs));
    // Sums of a few dozen f32 products, in another order.
    for (const [i, g] of same.entries())
      expect(Math.abs(found[name]!.data[i]! - g), name).toBeLessThan(1e-5 * most);
  }
  for (const trainer of trainers) trainer.dispose();
});

test('what is padding stays zero, and what earlier batches left makes no difference', async () => {
  const spec = modelOf('gruBefore', { inputSize: 15, hiddenSize: 35, blocks: 7, inputBlocks: 5 });
  const options = optionsOf({ optimizer: { kind: 'adamw', weightDecay: 0.1 }, clip: 0.5 });
  const [used, fresh] = [await createTrainer(spec, options), await createTrainer(spec, options)];
  for (const seed of [2, 3]) await used.step(batchOf(drawBatch(spec, seed)), 0.05);
  await fresh.restore(used.save());
  for (const seed of [0, 1, 2]) {
    const batch = batchOf(drawBatch(spec, seed));
    expect(await used.step(batch, 0.05)).toEqual(await fresh.step(batch, 0.05));
  }
  expect(used.tensors()).toEqual(fresh.tensors());
  for (const trainer of [used, fresh]) trainer.dispose();
});
