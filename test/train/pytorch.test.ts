import { describe, expect, it } from 'vitest';
import { availableKernels } from '#dist/node.js';
import { createTrainer } from '#dist/train-node.js';
import { findExcess } from '../oracle/tolerance.js';
import { gradientBounds } from './bounds.js';
import { REFERENCE_ROUNDING, readReference } from './reference.js';
import { batchOf, carryOver, optionsOf, trainerOf } from './trained.js';

const { cases, training } = readReference();

/**
 * A step of SGD passes a gradient's error on times the rate, and Adam's moves a weight by about the rate, of which the
 * gradient's relative error, some 10⁻⁶ of f32, is a part; five steps add that up. Of weights up to 1 themselves
 * each step rounds off 2⁻²⁴.
 */
const SAME_WEIGHT = 1e-5;
/** Losses and norms of about 1 out of such weights. */
const SAME_NUMBER = 2e-5;

describe.each(availableKernels())('%s: PyTorch’s losses and gradients', (kernels) => {
  it.each(cases)('$name', async ({ spec, tensors, batch, expected }) => {
    const trainer = await trainerOf(spec, tensors, batch, { kernels });
    await carryOver(trainer, batch);
    const bounds = gradientBounds(trainer.spec, tensors, batch);
    const gradients = await trainer.gradients(batchOf(batch));
    expect(Object.keys(gradients).sort()).toEqual(Object.keys(expected.gradients).sort());
    for (const [name, values] of Object.entries(expected.gradients)) {
      const bound = bounds.gradients[name]!.map((b, i) => b + REFERENCE_ROUNDING * Math.abs(values[i]!));
      expect(findExcess(gradients[name]!.data, values, bound), name).toBeNull();
    }
    const { loss } = await trainer.step(batchOf(batch), 0);
    expect(Math.abs(loss - expected.loss)).toBeLessThan(
      bounds.loss + REFERENCE_ROUNDING * Math.abs(expected.loss),
    );
    trainer.dispose();
  });
});

describe.each(availableKernels())('%s: PyTorch’s trajectories', (kernels) => {
  it.each(training.trajectories)(
    '$optimizer',
    async ({ optimizer, learningRate, losses, norms, tensors }) => {
      const { spec, batches, clip } = training;
      const [first] = batches;
      const capacity = {
        steps: Math.max(...batches.map(({ steps }) => steps)),
        batch: Math.max(...batches.map(({ batch }) => batch)),
      };
      const trainer = await createTrainer(
        spec,
        optionsOf({ loss: first!.loss, optimizer, clip, capacity, tensors: training.tensors, kernels }),
      );
      for (const [k, batch] of batches.entries()) {
        const { loss, norm } = await trainer.step(batchOf(batch), learningRate);
        expect(Math.abs(loss - losses[k]!), `loss of step ${k}`).toBeLessThan(SAME_NUMBER * losses[k]!);
        expect(Math.abs(norm - norms[k]!), `norm of step ${k}`).toBeLessThan(SAME_NUMBER * norms[k]!);
      }
      const trained = trainer.tensors();
      let moved = 0;
      for (const [name, values] of Object.entries(tensors)) {
        for (const [i, value] of values.entries()) {
          moved = Math.max(moved, Math.abs(value - training.tensors[name]!.data[i]!));
          expect(Math.abs(trained[name]!.data[i]! - value), `${name}[${i}]`).toBeLessThan(SAME_WEIGHT);
        }
      }
      expect(moved).toBeGreaterThan(1000 * SAME_WEIGHT);
      trainer.dispose();
    },
  );
});

it('dampening counts from the second step on, as in torch.optim.SGD', async () => {
  const { spec, batches, tensors } = training;
  const [momentum, dampening, rate] = [0.9, 0.25, 0.5];
  const { steps, batch, loss } = batches[0]!;
  const trainer = await createTrainer(
    spec,
    optionsOf({ loss, optimizer: { kind: 'sgd', momentum, dampening }, capacity: { steps, batch }, tensors }),
  );
  const given = batchOf(batches[0]!);
  const before = trainer.tensors();
  const first = await trainer.gradients(given);
  await trainer.step(given, rate);
  const second = await trainer.gradients(given);
  await trainer.step(given, rate);
  for (const [name, { data }] of Object.entries(trainer.tensors())) {
    for (const [i, w] of data.entries()) {
      const [g1, g2] = [first[name]!.data[i]!, second[name]!.data[i]!];
      const expected = before[name]!.data[i]! - rate * g1 - rate * (momentum * g1 + (1 - dampening) * g2);
      // Some roundings of numbers about 1.
      expect(Math.abs(w - expected), `${name}[${i}]`).toBeLessThan(1e-6);
    }
  }
  trainer.dispose();
});
