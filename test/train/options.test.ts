import { describe, expect, test } from 'vitest';
import type { LayerSpec, ModelSpec } from '#dist/model/spec.js';
import { createTrainer, initTensors, type TrainerOptions } from '#dist/train-node.js';
import { errorFrom, layerOf } from '../session/draw.js';
import { mismatch, range, type, unsupported, type Wrong } from './refused.js';
import { optionsOf } from './trained.js';

const out = (inputSize: number, outputSize = 3): LayerSpec => ({
  kind: 'linear',
  name: 'out',
  inputSize,
  outputSize,
});
const spec: ModelSpec = { layers: [layerOf('lstm', 'rnn', 3, 4, 2), out(4)] };
const ids: ModelSpec = {
  layers: [{ kind: 'embedding', name: 'e', count: 5, size: 4 }, layerOf('lstm', 'rnn', 4, 4), out(4, 5)],
};
const tensors = initTensors(ids, 1);

const sgd = (given: object) => ({ optimizer: { kind: 'sgd', ...given } });
const adam = (given: object) => ({ optimizer: { kind: 'adam', ...given } });
const NaN_ = Number.NaN;

const wrong: Wrong<unknown>[] = [
  ['loss missing', { loss: undefined }, type, /^loss /],
  ['loss a string', { loss: 'steps' }, type, /^loss /],
  ['another loss', { loss: { kind: 'mse' } }, range, /^loss\.kind /],
  ['no kind of loss', { loss: {} }, type, /^loss\.kind /],
  ['no pool', { loss: { kind: 'sequence' } }, type, /^loss\.pool /],
  ['another pool', { loss: { kind: 'sequence', pool: 'max' } }, range, /^loss\.pool /],
  ['optimizer missing', { optimizer: undefined }, type, /^optimizer /],
  ['optimizer null', { optimizer: null }, type, /^optimizer /],
  ['another optimizer', { optimizer: { kind: 'lion' } }, range, /^optimizer\.kind /],
  ['momentum negative', sgd({ momentum: -1 }), range, /^optimizer\.momentum /],
  ['momentum a string', sgd({ momentum: '0.9' }), type, /^optimizer\.momentum /],
  ['dampening above 1', sgd({ dampening: 2 }), range, /^optimizer\.dampening /],
  ['weight decay NaN', sgd({ weightDecay: NaN_ }), range, /^optimizer\.weightDecay /],
  ['nesterov a number', sgd({ momentum: 0.9, nesterov: 1 }), type, /^optimizer\.nesterov /],
  ['nesterov without momentum', sgd({ nesterov: true }), range, /^optimizer\.nesterov /],
  [
    'nesterov and dampening',
    sgd({ nesterov: true, momentum: 0.9, dampening: 0.1 }),
    range,
    /^optimizer\.nesterov /,
  ],
  ['beta1 of 1', adam({ beta1: 1 }), range, /^optimizer\.beta1 /],
  ['beta2 that is 1 in f32', adam({ beta2: 1 - 2 ** -26 }), range, /^optimizer\.beta2 /],
  ['beta2 negative', adam({ beta2: -0.1 }), range, /^optimizer\.beta2 /],
  ['epsilon 0', adam({ epsilon: 0 }), range, /^optimizer\.epsilon /],
  ['epsilon that is 0 in f32', adam({ epsilon: 1e-50 }), range, /^optimizer\.epsilon /],
  ['clip negative', { clip: -1 }, range, /^clip /],
  ['clip infinite', { clip: Number.POSITIVE_INFINITY }, range, /^clip /],
  ['clip a bigint', { clip: 1n }, type, /^clip /],
  ['dropout of 1', { dropout: 1 }, range, /^dropout /],
  ['dropout negative', { dropout: -0.1 }, range, /^dropout /],
  ['dropout NaN', { dropout: NaN_ }, range, /^dropout /],
  ['dropout a string', { dropout: '0' }, type, /^dropout /],
  ['tie a number', { tie: 1 }, type, /^tie /],
  ['tie without an embedding', { tie: true }, range, /^tie: /],
  ['seed fractional', { seed: 0.5 }, range, /^seed /],
  ['seed a string', { seed: '1' }, type, /^seed /],
  ['no capacity', { capacity: undefined }, type, /^capacity /],
  ['capacity without steps', { capacity: { batch: 1 } }, type, /^capacity\.steps /],
  ['capacity of no streams', { capacity: { steps: 1, batch: 0 } }, range, /^capacity\.batch /],
  ['capacity beyond all', { capacity: { steps: 2 ** 20, batch: 2 ** 20 } }, range, /^capacity: /],
  ['tensors a number', { tensors: 3 }, type, /^tensors /],
  ['tensors of another model', { tensors: initTensors(ids, 1) }, mismatch, /tensor "/],
  ['a tensor missing', { tensors: {} }, mismatch, /rnn\.weight_ih/],
  ['forgetBias NaN', { init: { forgetBias: NaN_ } }, range, /^forgetBias /],
  ['threads 0', { threads: 0 }, range, /^threads /],
  ['threads a string', { threads: 'all' }, type, /^threads /],
  ['other kernels', { kernels: 'avx' }, range, /kernels/],
  ['a signal that is none', { signal: {} }, type, /^signal /],
];

test.each(wrong)('%s', async (_, given, expected, message) => {
  const error = await errorFrom(createTrainer(spec, { ...optionsOf(), ...(given as object) }));
  expect(error).toMatchObject(expected);
  expect(error.message).toMatch(message);
});

test.each([undefined, null, 3, 'options'])('options %s', async (options) => {
  const error = await errorFrom(createTrainer(spec, options as unknown as TrainerOptions));
  expect(error).toMatchObject({ ...type, message: expect.stringMatching(/^options /) });
});

describe('specs', () => {
  const activation = (kind: 'softmax' | 'tanh', name = 'last'): LayerSpec => ({
    kind: 'activation',
    name,
    activation: kind,
  });
  test.each<Wrong<LayerSpec[]>>([
    ['no linear layer at the end', [layerOf('lstm', 'rnn', 3, 4)], unsupported, /lstm "rnn"/],
    ['an activation at the end', [out(3), activation('tanh')], unsupported, /activation "last"/],
    ['a softmax alone', [activation('softmax')], range, /activation|softmax/],
    [
      'an embedding alone',
      [{ kind: 'embedding', name: 'e', count: 3, size: 2 }],
      unsupported,
      /embedding "e"/,
    ],
    [
      'a softmax in the midst',
      [layerOf('lstm', 'rnn', 3, 4), activation('softmax', 'mid'), out(4)],
      unsupported,
      /"mid"/,
    ],
    [
      'strips of which nobody has said where they lie',
      [
        {
          kind: 'lstm',
          name: 'thin',
          inputSize: 4,
          hiddenSize: 8,
          strips: { shape: '4x4', count: 2, diagonal: false },
        },
        out(8),
      ],
      unsupported,
      /thin: where strips lie .* sparsify/,
    ],
    [
      'strips beside what they do not run with',
      [
        {
          kind: 'lstm',
          name: 'thin',
          inputSize: 4,
          hiddenSize: 8,
          peepholes: true,
          strips: { shape: '4x4', count: 2, diagonal: false },
        },
        out(8),
      ],
      unsupported,
      /thin: strips beside .*peepholes .*cannot be trained/,
    ],
    ['no layers', [], range, /layers/],
    ['sizes that do not meet', [layerOf('lstm', 'rnn', 3, 4), out(5)], range, /out/],
  ])('%s', async (_, layers, expected, message) => {
    const error = await errorFrom(createTrainer({ layers }, optionsOf()));
    // Which of the two a wrong spec is, its own tests say.
    expect(error).toMatchObject(expected === range ? { code: expect.stringMatching(/^ERR_/) } : expected);
    expect(error.message).toMatch(message);
  });

  test('an optimiser’s names that are weights’', async () => {
    const layers: LayerSpec[] = [layerOf('lstm', 'rnn', 3, 4), layerOf('lstm', 'first.rnn', 4, 4), out(4)];
    const error = await errorFrom(createTrainer({ layers }, optionsOf({ optimizer: { kind: 'adam' } })));
    expect(error).toMatchObject({ ...unsupported, message: expect.stringMatching(/first\.rnn/) });
    (await createTrainer({ layers }, optionsOf())).dispose();
  });
});

test('tied tensors must be the same, and tied layers of one size', async () => {
  const tie = (given: ModelSpec, options: object = {}) =>
    errorFrom(createTrainer(given, optionsOf({ tie: true, ...options })));
  expect(await tie(ids, { tensors })).toMatchObject({
    ...mismatch,
    message: expect.stringMatching(/^tie: /),
  });
  const narrow: ModelSpec = { layers: [...ids.layers.slice(0, 2), out(4, 6)] };
  expect(await tie(narrow)).toMatchObject({ ...range, message: expect.stringMatching(/^tie: /) });
  const last: LayerSpec = { kind: 'linear', name: 'out', inputSize: 4, outputSize: 4, blocks: 2 };
  const parts: ModelSpec = { layers: [{ kind: 'embedding', name: 'e', count: 4, size: 4 }, last] };
  expect(await tie(parts)).toMatchObject({ ...range, message: expect.stringMatching(/^tie: .*2 blocks/) });
  const trainer = await createTrainer(ids, optionsOf({ tie: true }));
  const { 'e.weight': one, 'out.weight': other } = trainer.tensors();
  expect(other!.data).toEqual(one!.data);
});

test('a signal that has fired', async () => {
  for (const signal of [AbortSignal.abort(new Error('no'))]) {
    const error = await errorFrom(createTrainer(spec, optionsOf({ signal })));
    expect(error).toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED', cause: { message: 'no' } });
  }
  const controller = new AbortController();
  const opening = createTrainer(spec, optionsOf({ signal: controller.signal, threads: 2 }));
  controller.abort();
  expect(await errorFrom(opening)).toMatchObject({ name: 'AbortError' });
});

test('every default is what is said of it', async () => {
  const plain = await createTrainer(spec, optionsOf());
  const full = await createTrainer(
    spec,
    optionsOf({
      optimizer: { kind: 'sgd', momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 },
      dropout: 0,
      tie: false,
      seed: 0,
      threads: 1,
      tensors: initTensors(plain.spec, 0),
    }),
  );
  expect(full.tensors()).toEqual(plain.tensors());
  expect(full.bytes).toBe(plain.bytes);
  expect([plain.threads, plain.kernels, plain.steps]).toEqual([1, 'simd', 0]);
});
