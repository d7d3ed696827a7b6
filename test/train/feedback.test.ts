import { describe, expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { decodeDreamer } from '#dist/formats/layouts/dreamerv3.js';
import { checkSpec } from '#dist/model/check.js';
import type { LayerSpec, ModelSpec } from '#dist/model/spec.js';
import { availableKernels, createModel } from '#dist/node.js';
import { createTrainer } from '#dist/train-node.js';
import { drawCore } from '../formats/layouts/dreamer-core.js';
import { randomBatch, randomWeights } from './batches.js';
import { trainOracle, type Weights } from './oracle.js';
import { batchOf, expectOracle, expectSameTensors, f32Of, optionsOf, trainerOf } from './trained.js';

/** Layers that come back to themselves; graphs.test.ts has the small ones. */

/** The core of DreamerV3 and classes of its state. */
function dreamer(blocks: number, layers: number): { spec: ModelSpec; weights: Weights } {
  const sizes = { blocks, layers, deter: 8 * blocks, hidden: 7, stoch: 6, action: 3 };
  const { spec, tensors } = decodeDreamer(drawCore(seededRandom(blocks), sizes));
  const head: LayerSpec = { kind: 'linear', name: 'head', inputSize: sizes.deter, outputSize: 5 };
  const whole = checkSpec({ layers: [...spec.layers, head] });
  return { spec: whole, weights: { ...randomWeights({ layers: [head] }, 1, 0.5, true), ...tensors } };
}

describe.each(availableKernels())('%s: the core of DreamerV3', (kernels) => {
  test.each([
    [1, 1],
    [3, 2],
    [4, 1],
  ])('%i blocks, %i hidden layers: gradients are the oracle’s', async (blocks, layers) => {
    const { spec, weights } = dreamer(blocks, layers);
    for (const given of [
      { steps: 6, batch: 3, lengths: [6, 2, 4], withState: true },
      { steps: 9, batch: 1 },
    ]) {
      const batch = randomBatch(spec, { kind: 'steps' }, { ...given, seed: blocks });
      const trainer = await trainerOf(spec, weights, batch, { kernels });
      await expectOracle(trainer, weights, batch);
      trainer.dispose();
    }
  });

  test('it learns, with threads to the same bytes, and what it has learnt runs', async () => {
    const { spec, weights } = dreamer(4, 1);
    const batch = batchOf(randomBatch(spec, { kind: 'steps' }, { steps: 8, batch: 5, seed: 3 }));
    const options = optionsOf({ optimizer: { kind: 'adam' }, tensors: f32Of(weights), clip: 10, kernels });
    const trained = [];
    for (const threads of [1, 2, 3]) {
      const trainer = await createTrainer(spec, { ...options, threads });
      const before = await trainer.evaluate(batch);
      for (let k = 0; k < 30; k++) await trainer.step(batch, 0.02);
      const after = await trainer.evaluate(batch);
      expect(after.loss).toBeLessThan(before.loss / 2);
      trained.push({ tensors: trainer.tensors(), loss: after.loss });
      trainer.dispose();
    }
    const [{ tensors, loss }, ...others] = trained as [(typeof trained)[0], ...typeof trained];
    for (const other of others) {
      expectSameTensors(other.tensors, tensors);
      expect(other.loss).toBe(loss);
    }
    using model = await createModel(spec, tensors, { kernels });
    const { y } = await model.run(batch.x, { steps: 8, batch: 5 });
    const counted = [...(batch.targets as Int32Array).entries()].filter(([, target]) => target >= 0);
    const nats = counted.map(([row, target]) => {
      const logits = y.subarray(row * 5, row * 5 + 5);
      return Math.log(logits.reduce((sum, v) => sum + Math.exp(v), 0)) - logits[target]!;
    });
    expect(nats.reduce((sum, v) => sum + v, 0) / nats.length).toBeCloseTo(loss, 4);
  });
});

test('what a stream would grow to past its end is nobody’s', async () => {
  // h doubles with each step: 2^160 is no float.
  const layers: LayerSpec[] = [
    { kind: 'linear', name: 'in', inputSize: 2, outputSize: 3 },
    { kind: 'delay', name: 'before', size: 3, inputs: ['h'] },
    { kind: 'activation', name: 'double', activation: 'affine', alpha: 2 },
    { kind: 'scale', name: 'own', size: 3 },
    { kind: 'combine', name: 'h', combine: 'add', inputs: ['in', 'own'] },
    { kind: 'linear', name: 'out', inputSize: 3, outputSize: 2 },
  ];
  const spec = checkSpec({ layers });
  const weights = randomWeights(spec, 2, 0.5, true);
  weights['own.weight'] = { shape: [3], data: Float32Array.of(1, 1, 1) };
  const drawn = randomBatch(
    spec,
    { kind: 'sequence', pool: 'last' },
    { steps: 160, batch: 3, seed: 1, lengths: [4, 3, 2] },
  );
  const trainer = await trainerOf(spec, weights, drawn);
  await expectOracle(trainer, weights, drawn);
  trainer.dispose();
});

test('a batch begins where the one before left each stream, and gradients go no further back', async () => {
  const { spec, weights } = dreamer(3, 1);
  const draw = (seed: number, lengths: number[]) =>
    randomBatch(spec, { kind: 'steps' }, { steps: 5, batch: 2, seed, lengths });
  const [first, second] = [draw(1, [5, 2]), draw(2, [3, 5])];
  const { state } = trainOracle(spec, weights, first);
  const trainer = await trainerOf(spec, weights, first);
  await trainer.step(batchOf(first), 0);
  const expected = trainOracle(spec, weights, { ...second, state });
  const gradients = await trainer.gradients({ ...batchOf(second), carry: true });
  for (const [name, { data }] of Object.entries(expected.gradients))
    for (const [i, value] of data.entries())
      expect(Math.abs(gradients[name]!.data[i]! - value), name).toBeLessThan(2e-6);
  trainer.dispose();
});
