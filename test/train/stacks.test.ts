import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { checkSpec } from '#dist/model/check.js';
import type { LayerSpec, ModelSpec } from '#dist/model/spec.js';
import { availableKernels } from '#dist/node.js';
import { createTrainer } from '#dist/train-node.js';
import { scene, stack } from '../oracle/arbitraries.js';
import { modelOf, randomBatch, randomWeights, tower } from './batches.js';
import type { OracleLoss } from './oracle.js';
import { batchOf, expectOracle, expectSameTensors, f32Of, optionsOf, trainerOf } from './trained.js';

const losses: OracleLoss[] = [
  { kind: 'steps' },
  { kind: 'sequence', pool: 'last' },
  { kind: 'sequence', pool: 'mean' },
  { kind: 'ctc' },
];

/** A stack without a softmax, which the oracle's losses have, and with a linear layer at its end. */
function withHead({ layers }: ModelSpec): ModelSpec {
  const kept: LayerSpec[] = layers.filter(
    (layer) => layer.kind !== 'activation' || !layer.activation.toLowerCase().endsWith('softmax'),
  );
  if (kept.at(-1)!.kind === 'linear') return { layers: kept };
  const width = kept.reduce(
    (size, layer) =>
      'hiddenSize' in layer ? layer.hiddenSize : 'outputSize' in layer ? layer.outputSize : size,
    0,
  );
  return { layers: [...kept, { kind: 'linear', name: 'head', inputSize: width, outputSize: 3 }] };
}

test('any stack, any loss, any measures: gradients are the oracle’s', async () => {
  const arbitrary = fc.record({
    spec: stack().map(withHead),
    loss: fc.constantFrom(...losses),
    scene: scene(1),
    kernels: fc.constantFrom(...availableKernels()),
  });
  const property = fc.asyncProperty(arbitrary, async ({ spec: given, loss, scene: drawn, kernels }) => {
    const spec = checkSpec(given);
    const { lengths, ...measures } = drawn;
    const weights = randomWeights(spec, drawn.seed, 0.6, true);
    const more = lengths === null ? {} : { lengths: [...lengths] };
    const batch = randomBatch(spec, loss, { ...measures, ...more });
    const { outputSize } = spec.layers.findLast((layer) => layer.kind === 'linear')!;
    if (batch.targets instanceof Int32Array) batch.targets[0] = 0;
    const blank = loss.kind === 'ctc' && outputSize === 1;
    const fitting = blank ? { ...batch, targets: Array.from({ length: batch.batch }, () => []) } : batch;
    const trainer = await trainerOf(spec, weights, fitting, { kernels });
    await expectOracle(trainer, weights, fitting);
    trainer.dispose();
  });
  await fc.assert(property, { numRuns: 60, seed: 11 });
});

describe('more rows than one kernel call takes', () => {
  it.each([
    // Of one part's gates, 256 at a time.
    { kind: 'lstm', hiddenSize: 70, steps: 2, batch: 2 },
    { kind: 'gruAfter', hiddenSize: 90, steps: 2, batch: 2 },
    { kind: 'gruBefore', hiddenSize: 132, steps: 2, batch: 1 },
    // Of T · B, 256 at a time.
    { kind: 'lstm', hiddenSize: 5, steps: 150, batch: 2 },
    { kind: 'gruBefore', hiddenSize: 4, steps: 90, batch: 3 },
  ] as const)('$kind, $hiddenSize units, $steps steps of $batch streams', async (given) => {
    const { kind, hiddenSize, steps, batch } = given;
    const spec = modelOf(kind, { hiddenSize });
    const weights = randomWeights(spec, 3, 1 / Math.sqrt(hiddenSize), true);
    const drawn = randomBatch(spec, { kind: 'steps' }, { steps, batch, seed: 2 });
    const trainer = await trainerOf(spec, weights, drawn);
    await expectOracle(trainer, weights, drawn);
    trainer.dispose();
  });
});

describe('what earlier batches left in memory makes no difference', () => {
  it.each([
    [1, 1],
    [2, 1],
    [6, 2],
  ])('%i blocks, %i threads', async (blocks, threads) => {
    const spec = tower(6, blocks);
    const tensors = f32Of(randomWeights(spec, 1, 0.8, true));
    for (const loss of losses) {
      const used = await createTrainer(spec, optionsOf({ loss, tensors, threads }));
      for (const [seed, measures] of [
        { steps: 12, batch: 5 },
        { steps: 3, batch: 2, lengths: [3, 1] },
        { steps: 1, batch: 5 },
        { steps: 12, batch: 1 },
        { steps: 4, batch: 4, lengths: [1, 4, 2, 3] },
      ].entries()) {
        const batch = batchOf(randomBatch(spec, loss, { ...measures, seed }));
        if (batch.targets instanceof Int32Array) batch.targets[0] = 0;
        const { steps, batch: streams } = measures;
        const fresh = await createTrainer(
          spec,
          optionsOf({ loss, tensors, capacity: { steps, batch: streams } }),
        );
        expectSameTensors(await used.gradients(batch), await fresh.gradients(batch));
        expect(await used.evaluate(batch)).toEqual(await fresh.evaluate(batch));
        fresh.dispose();
      }
      used.dispose();
    }
  });
});
