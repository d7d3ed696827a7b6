import { describe, expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import type { ModelSpec } from '#dist/model/spec.js';
import { createModel } from '#dist/node.js';
import { type Batch, createTrainer, decodeGreedy, type TrainerOptions } from '#dist/train-node.js';
import type { CellKind } from '../oracle/arbitraries.js';
import { layerOf } from '../session/draw.js';

/** Ids in, a layer, classes out. */
function specOf(
  kind: CellKind,
  count: number,
  hiddenSize: number,
  blocks: number,
  classes: number,
): ModelSpec {
  return {
    layers: [
      { kind: 'embedding', name: 'e', count, size: 8 },
      layerOf(kind, 'rnn', 8, hiddenSize, blocks),
      { kind: 'linear', name: 'out', inputSize: hiddenSize, outputSize: classes },
    ],
  };
}

const common = {
  optimizer: { kind: 'adam' },
  clip: 1,
  seed: 1,
  kernels: 'simd',
} as const;

/** Trains on new batches all the time, and gives the loss of the last ones: none of them was seen before. */
async function learn(
  spec: ModelSpec,
  options: Omit<TrainerOptions, 'optimizer'>,
  draw: () => Batch,
  steps: number,
  rate: number,
) {
  const trainer = await createTrainer(spec, { ...common, ...options });
  const first = await trainer.evaluate(draw());
  // Slower at the end: at the full rate the loss of a single batch jumps now and then.
  for (let step = 0; step < steps; step++) await trainer.step(draw(), step < steps * 0.7 ? rate : rate / 5);
  return { trainer, first, last: await trainer.evaluate(draw()) };
}

describe('memory: the first of eleven tokens is said at the end', () => {
  const [steps, batch, symbols] = [11, 32, 4];
  test.each<[string, CellKind, number, number]>([
    ['LSTM, 4 blocks', 'lstm', 32, 4],
    ['GRU, dense', 'gruAfter', 24, 1],
    ['GRU that resets before, 2 blocks', 'gruBefore', 24, 2],
    ['LSTM, diagonal', 'lstm', 40, 40],
  ])('%s', async (_, kind, hiddenSize, blocks) => {
    const random = seededRandom(7);
    const draw = (): Batch => {
      const x = Int32Array.from({ length: steps * batch }, () => Math.floor(random() * symbols));
      return { x, steps, batch, targets: x.slice(0, batch) };
    };
    const spec = specOf(kind, symbols, hiddenSize, blocks, symbols);
    const loss = { kind: 'sequence', pool: 'last' } as const;
    const options = { loss, capacity: { steps, batch }, init: { forgetBias: 1 } };
    const { trainer, first, last } = await learn(spec, options, draw, 600, 0.02);
    expect(first.loss).toBeGreaterThan(1);
    expect(last.loss).toBeLessThan(0.05);
    expect(last.hits).toBe(batch);
    trainer.dispose();
  });
});

test('parity: an Elman network says after each bit whether the ones so far are odd', async () => {
  const [steps, batch] = [8, 32];
  const random = seededRandom(9);
  const draw = (): Batch => {
    const x = Int32Array.from({ length: steps * batch }, () => Math.floor(random() * 2));
    const targets = x.slice();
    for (let i = batch; i < x.length; i++) targets[i]! ^= targets[i - batch]!;
    return { x, steps, batch, targets };
  };
  const spec = specOf('elmanTanh', 2, 16, 1, 2);
  const options = { loss: { kind: 'steps' }, capacity: { steps, batch } } as const;
  const { trainer, first, last } = await learn(spec, options, draw, 500, 0.01);
  expect(first.loss).toBeGreaterThan(0.6);
  expect(last.loss).toBeLessThan(0.05);
  expect(last.hits).toBe(steps * batch);
  // And so does the model that comes of it.
  using model = await createModel(trainer.spec, trainer.tensors());
  const { x, targets } = draw();
  const { y } = await model.run(x, { steps, batch });
  const said = Array.from({ length: steps * batch }, (_, i) => +(y[2 * i + 1]! > y[2 * i]!));
  expect(said).toEqual([...(targets as Int32Array)]);
  trainer.dispose();
});

test('CTC: a GRU reads drawn-out symbols without being told where they are', async () => {
  const [steps, batch, classes] = [12, 16, 5];
  const random = seededRandom(5);
  const draw = (): Batch & { targets: number[][] } => {
    const x = new Int32Array(steps * batch);
    // 0 is silence; each of three symbols lasts two or three steps, and silence is between them.
    const targets = Array.from({ length: batch }, (_, b) => {
      const labels = Array.from({ length: 3 }, () => 1 + Math.floor(random() * (classes - 1)));
      let t = 0;
      for (const label of labels) {
        t++;
        for (const end = t + 2 + Math.floor(random() * 2); t < Math.min(end, steps); t++)
          x[t * batch + b] = label;
      }
      return labels;
    });
    return { x, steps, batch, targets };
  };
  const spec = specOf('gruAfter', classes, 24, 2, classes);
  const options = { loss: { kind: 'ctc' }, capacity: { steps, batch } } as const;
  const { trainer, first, last } = await learn(spec, options, draw, 150, 0.02);
  expect(first.loss).toBeGreaterThan(3);
  expect(last.loss).toBeLessThan(0.1);
  using model = await createModel(trainer.spec, trainer.tensors());
  const { x, targets } = draw();
  const { y } = await model.run(x, { steps, batch });
  const read = targets.map((_, b) => decodeGreedy(y, b * classes, batch * classes, steps, classes));
  expect(read).toEqual(targets);
  trainer.dispose();
});
