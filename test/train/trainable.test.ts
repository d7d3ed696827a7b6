import { describe, expect, test } from 'vitest';
import type { LayerSpec } from '#dist/model/spec.js';
import { createModel } from '#dist/node.js';
import { createTrainer, initTensors } from '#dist/train-node.js';
import { errorFrom } from '../session/draw.js';
import { graphs } from './graphs.js';
import { unsupported } from './refused.js';
import { optionsOf } from './trained.js';
import { pairOf, zoneKinds } from './zoned.js';

const out: LayerSpec = { kind: 'linear', name: 'out', inputSize: 4, outputSize: 3 };

describe('what cannot be trained is refused, with the layer and the field', () => {
  test.each<[string, LayerSpec[], RegExp]>([
    [
      'a way back',
      [{ kind: 'lstm', name: 'x', inputSize: 4, hiddenSize: 4, direction: 'reverse' }],
      /^layer x: direction /,
    ],
    [
      'a recurrent layer in a loop',
      [
        { kind: 'delay', name: 'before', size: 4, inputs: ['sum'] },
        { kind: 'gru', name: 'x', inputSize: 4, hiddenSize: 4 },
        { kind: 'combine', name: 'sum', combine: 'add', inputs: ['first', 'x'] },
      ],
      /^layer x: kind 'gru' .* through a delay/,
    ],
    [
      'a loop with the last layer in it',
      [
        { kind: 'delay', name: 'x', size: 3, inputs: ['out'] },
        { kind: 'linear', name: 'back', inputSize: 7, outputSize: 4, inputs: ['first', 'x'] },
      ],
      /^layer x: inputs from the last linear layer "out" /,
    ],
    [
      'a softmax before the end',
      [{ kind: 'activation', name: 'x', activation: 'softmax' }],
      /"x": a softmax is trained only at the end/,
    ],
  ])('%s', async (_, layers, message) => {
    const first: LayerSpec = { kind: 'slice', name: 'first', inputSize: 4, from: 0, to: 4 };
    const error = await errorFrom(createTrainer({ layers: [first, ...layers, out] }, optionsOf()));
    expect(error).toMatchObject({ ...unsupported, message: expect.stringMatching(message) });
  });

  test('a softmax that reads more than the last linear layer', async () => {
    const softmax: LayerSpec = {
      kind: 'activation',
      name: 'x',
      activation: 'softmax',
      inputs: ['out', 'input'],
    };
    const error = await errorFrom(createTrainer({ layers: [out, softmax] }, optionsOf()));
    expect(error).toMatchObject({ ...unsupported, message: expect.stringMatching(/activation "x"/) });
  });
});

const running: typeof graphs = {
  ...graphs,
  ...Object.fromEntries(zoneKinds.map((kind) => [`zoneout: ${kind}`, pairOf(kind, { hiddenSize: 6 })])),
};

test.each(Object.keys(running))('%s: what has been trained runs', async (name) => {
  const spec = running[name]!;
  const trainer = await createTrainer(spec, optionsOf({ optimizer: { kind: 'adam' }, seed: 1 }));
  const [steps, batch] = [4, 2];
  const width = trainer.spec.layers[0]!.kind === 'embedding' ? 0 : inputOf(trainer.spec.layers[0]!);
  const x =
    width === 0
      ? Int32Array.of(0, 1, 2, 3, 4, 5, 0, 1)
      : Float32Array.from({ length: steps * batch * width }, (_, i) => Math.sin(i));
  const targets = Int32Array.from({ length: steps * batch }, (_, i) => i % 2);
  const before = await trainer.evaluate({ x, targets, steps, batch });
  for (let k = 0; k < 30; k++) await trainer.step({ x, targets, steps, batch }, 0.02);
  const after = await trainer.evaluate({ x, targets, steps, batch });
  expect(after.loss).toBeLessThan(before.loss);
  // The same numbers by the program of inference: its logits give the loss that training said.
  using model = await createModel(trainer.spec, trainer.tensors(), { kernels: 'simd' });
  const { y } = await model.run(x, { steps, batch });
  const classes = y.length / (steps * batch);
  let nats = 0;
  for (const [row, target] of targets.entries()) {
    const logits = y.subarray(row * classes, (row + 1) * classes);
    const most = Math.max(...logits);
    nats += most + Math.log(logits.reduce((sum, v) => sum + Math.exp(v - most), 0)) - logits[target]!;
  }
  expect(nats / (steps * batch)).toBeCloseTo(after.loss, 4);
  trainer.dispose();
});

/** Features of a first layer that says how many it reads. */
function inputOf(layer: LayerSpec): number {
  return 'inputSize' in layer ? layer.inputSize : (layer as { size: number }).size;
}

test('norms and scales begin as what changes nothing', () => {
  const tensors = initTensors(
    {
      layers: [
        { kind: 'norm', name: 'n', size: 3 },
        { kind: 'scale', name: 's', size: 3 },
      ],
    },
    1,
  );
  for (const name of ['n', 's']) {
    expect([...tensors[`${name}.weight`]!.data]).toEqual([1, 1, 1]);
    expect([...tensors[`${name}.bias`]!.data]).toEqual([0, 0, 0]);
  }
});
