import { expect, test } from 'vitest';
import { type FunctionName, functions } from '#dist/model/functions.js';
import { type LayerSpec, type ModelSpec, outputsOf, type RecurrentLayerSpec } from '#dist/model/spec.js';
import { availableKernels, createModel } from '#dist/node.js';
import { createTrainer } from '#dist/train-node.js';
import { modelOf, randomBatch, randomWeights } from './batches.js';
import { trainKinds } from './cells.js';
import { batchOf, expectOracle, optionsOf, trainerOf } from './trained.js';

const sizes = { name: 'rnn', inputSize: 3, hiddenSize: 6, blocks: 2 };

function behind(layer: RecurrentLayerSpec): ModelSpec {
  const out: LayerSpec = { kind: 'linear', name: 'out', inputSize: outputsOf(layer), outputSize: 3 };
  return { layers: [layer, out] };
}

// A clip that some gates reach and some do not.
test.each(Object.keys(functions) as FunctionName[])('%s in every place of a cell', async (name) => {
  const cells: RecurrentLayerSpec[] = [
    { kind: 'lstm', ...sizes, activations: [name, 'tanh', 'tanh'], peepholes: true, clip: 0.9 },
    { kind: 'lstm', ...sizes, activations: ['sigmoid', name, name] },
    { kind: 'gru', ...sizes, activations: [name, 'tanh'], clip: 0.9 },
    { kind: 'gru', ...sizes, activations: ['sigmoid', name], resetAfter: false },
    { kind: 'elman', ...sizes, activation: name, clip: 0.9 },
  ];
  for (const [k, layer] of cells.entries()) {
    const spec = behind(layer);
    const weights = randomWeights(spec, k + 1, 0.6, true);
    for (const kernels of availableKernels()) {
      const measures = { steps: 4, batch: 3, lengths: [4, 1, 3], seed: k + 2, withState: true };
      const batch = randomBatch(spec, { kind: 'steps' }, measures);
      const trainer = await trainerOf(spec, weights, batch, { kernels });
      await expectOracle(trainer, weights, batch, { what: JSON.stringify(layer) });
      trainer.dispose();
    }
  }
});

test.each(trainKinds)('%s: training makes the loss less, and what has been trained runs', async (kind) => {
  const spec = modelOf(kind, { hiddenSize: 6, blocks: 2 });
  const [steps, batch] = [5, 3];
  const drawn = batchOf(randomBatch(spec, { kind: 'steps' }, { steps, batch, seed: 3 }));
  const targets = Int32Array.from({ length: steps * batch }, (_, i) => i % 4);
  const data = { ...drawn, targets };
  const trainer = await createTrainer(spec, optionsOf({ optimizer: { kind: 'adam' }, seed: 1 }));
  const before = await trainer.evaluate(data);
  for (let k = 0; k < 30; k++) await trainer.step(data, 0.02);
  const after = await trainer.evaluate(data);
  expect(after.loss).toBeLessThan(before.loss);
  // The same numbers by the program of inference: its logits give the loss that training said.
  using model = await createModel(trainer.spec, trainer.tensors(), { kernels: 'simd' });
  const { y } = await model.run(data.x, { steps, batch });
  let nats = 0;
  for (const [row, target] of targets.entries()) {
    const logits = y.subarray(row * 4, (row + 1) * 4);
    nats += Math.log(logits.reduce((sum, v) => sum + Math.exp(v), 0)) - logits[target]!;
  }
  expect(nats / (steps * batch)).toBeCloseTo(after.loss, 4);
  trainer.dispose();
});
