import { describe, expect, test } from 'vitest';
import { checkSpec } from '#dist/model/check.js';
import type { ModelSpec } from '#dist/model/spec.js';
import { availableKernels } from '#dist/node.js';
import { checkTrainerOptions } from '#dist/train/options.js';
import { planTraining } from '#dist/train/plan/plan.js';
import { createTrainer, type Loss, type Optimizer, type TrainerOptions } from '#dist/train-node.js';
import { errorFrom, layerOf } from '../session/draw.js';
import { modelOf, randomBatch, tower } from './batches.js';
import { range } from './refused.js';
import { batchOf, optionsOf } from './trained.js';

const page = 65_536;

function bytesOf(spec: ModelSpec, given: Partial<TrainerOptions>, workers = 1): number {
  const { seed: _, ...sizes } = checkTrainerOptions(optionsOf(given));
  return planTraining(checkSpec(spec), { ...sizes, workers }).bytes;
}

describe('the plan', () => {
  const spec = modelOf('lstm', { hiddenSize: 64, inputSize: 32, outputs: 16 });
  const plan = (steps: number, batch: number, given: Partial<TrainerOptions> = {}) =>
    bytesOf(spec, { capacity: { steps, batch }, ...given });

  test('grows with T·B by what a step of a stream leaves on the tape', () => {
    // x 32, z 4 · 64, h 64, c 64, one gradient of rows of 64, logits 16, target, loss, hit
    const row = 4 * (32 + 4 * 64 + 64 + 64 + 64 + 16 + 3);
    expect(plan(200, 8) - plan(100, 8)).toBe(100 * 8 * row);
    expect(plan(800, 8) - plan(100, 8)).toBe(700 * 8 * row);
    // With dropout, what a layer's output is without what was left out.
    const more = { dropout: 0.5 };
    expect(plan(200, 8, more) - plan(100, 8, more)).toBe(100 * 8 * (row + 4 * 64));
    // A decision for each sequence has logits for each stream alone.
    const sequence = { loss: { kind: 'sequence', pool: 'last' } as Loss };
    expect(plan(200, 8, sequence) - plan(100, 8, sequence)).toBe(100 * 8 * (row - 4 * (16 + 3)));
  });

  test('has a moment of all weights for each that the optimiser keeps', () => {
    const weights = 4 * (4 * 64 * (32 + 64) + 2 * 4 * 64 + 16 * 64 + 16);
    const bytes = (optimizer: Optimizer) => plan(10, 2, { optimizer });
    const none = bytes({ kind: 'sgd' });
    expect(bytes({ kind: 'sgd', momentum: 0.9 }) - none).toBe(weights);
    expect(bytes({ kind: 'adam' }) - none).toBe(2 * weights);
    expect(bytes({ kind: 'adamw' }) - none).toBe(2 * weights);
  });

  test('a large vocabulary has logits for some rows alone', () => {
    const large = modelOf('gruAfter', { hiddenSize: 16, outputs: 100_000 });
    const grown =
      bytesOf(large, { capacity: { steps: 400, batch: 10 } }) -
      bytesOf(large, { capacity: { steps: 200, batch: 10 } });
    // All logits of 2000 rows would be 800 MB.
    expect(grown).toBeLessThan(2e6);
  });

  test('what the product of a gradient writes is no other worker’s: rows of weights are whole panels', () => {
    const spec: ModelSpec = {
      layers: [
        { kind: 'embedding', name: 'e', count: 9, size: 1 },
        layerOf('lstm', 'rnn', 1, 6, 2),
        { kind: 'linear', name: 'in', inputSize: 6, outputSize: 1 },
        { kind: 'linear', name: 'blocks', inputSize: 1, outputSize: 9, blocks: 1 },
        { kind: 'linear', name: 'out', inputSize: 9, outputSize: 2 },
      ],
    };
    const { seed: _, ...sizes } = checkTrainerOptions(optionsOf({}));
    const { params } = planTraining(checkSpec(spec), { ...sizes, workers: 3 });
    for (const { names, ld } of params) expect(ld % 32, names[0]).toBe(names[0]!.includes('bias') ? 4 : 0);
  });

  test('a tied weight is there once', () => {
    const tied: ModelSpec = {
      layers: [
        { kind: 'embedding', name: 'e', count: 1000, size: 32 },
        layerOf('lstm', 'rnn', 32, 32),
        { kind: 'linear', name: 'out', inputSize: 32, outputSize: 1000 },
      ],
    };
    // Weight and gradient.
    expect(bytesOf(tied, {}) - bytesOf(tied, { tie: true })).toBe(2 * 4 * 1000 * 32);
  });

  test('each more worker has the same scratch', () => {
    const [one, two, three] = [1, 2, 3].map((workers) => bytesOf(spec, {}, workers)) as [
      number,
      number,
      number,
    ];
    expect(three - two).toBe(two - one);
    expect(two).toBeGreaterThan(one);
  });

  test('is what the memory has, in whole pages and a spare one', async () => {
    const trainer = await createTrainer(spec, optionsOf());
    expect(trainer.bytes).toBe((Math.ceil(bytesOf(spec, {}) / page) + 1) * page);
    trainer.dispose();
  });

  test('of more than addresses reach is refused before anything is made', async () => {
    const capacity = { steps: 2 ** 20, batch: 16 };
    const error = await errorFrom(createTrainer(spec, optionsOf({ capacity })));
    expect(error).toMatchObject({ ...range, message: expect.stringMatching(/GiB/) });
  });
});

/** Bytes in use after a collection. */
function bytesInUse(): number {
  gc!();
  gc!();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe.each(availableKernels())('%s', (kernels) => {
  test.each(['steps', 'ctc'] as const)('200 steps leave nothing behind: %s', async (kind) => {
    const spec = tower(12, 2);
    const trainer = await createTrainer(
      spec,
      optionsOf({ loss: { kind }, optimizer: { kind: 'adam' }, dropout: 0.1, kernels }),
    );
    const batches = [1, 2, 3].map((seed) =>
      batchOf(randomBatch(spec, { kind }, { steps: 12, batch: 5, seed, lengths: [12, 3, 7, 9, 12] })),
    );
    const { bytes } = trainer;
    const run = async (steps: number) => {
      for (let k = 0; k < steps; k++) {
        await trainer.step(batches[k % 3]!, 1e-3);
        await trainer.evaluate(batches[k % 3]!);
      }
    };
    // The engine still compiles in the first ones: of eight, some have nothing but steps.
    await run(100);
    const grown: number[] = [];
    for (let trial = 0; trial < 8; trial++) {
      const before = bytesInUse();
      await run(200);
      grown.push(bytesInUse() - before);
    }
    // One batch's x and targets are 480 bytes and more: kept in each step, they would be 96 KB. What else the process
    // does can only add.
    expect(Math.min(...grown)).toBeLessThan(48_000);
    expect(trainer.bytes).toBe(bytes);
    trainer.dispose();
  });
});
