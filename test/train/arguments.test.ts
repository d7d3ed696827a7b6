import { describe, expect, test } from 'vitest';
import type { ModelSpec } from '#dist/model/spec.js';
import { type Batch, createTrainer, type TrainerState } from '#dist/train-node.js';
import { layerOf } from '../session/draw.js';
import { mismatch, range, type, type Wrong } from './refused.js';
import { expectRefusal, optionsOf } from './trained.js';

const spec: ModelSpec = {
  layers: [layerOf('lstm', 'rnn', 3, 4, 2), { kind: 'linear', name: 'out', inputSize: 4, outputSize: 5 }],
};
const ids: ModelSpec = {
  layers: [{ kind: 'embedding', name: 'e', count: 9, size: 3 }, ...spec.layers],
};
const capacity = { steps: 4, batch: 2 };
const optimizer = { kind: 'sgd', momentum: 0.9 } as const;
const made = Promise.all([
  createTrainer(spec, optionsOf({ capacity, optimizer })),
  createTrainer(ids, optionsOf({ capacity, optimizer, loss: { kind: 'sequence', pool: 'last' } })),
  createTrainer(spec, optionsOf({ capacity, optimizer, loss: { kind: 'ctc' } })),
]);

const classes = Int32Array.of(0, 1, 2, 3, 4, -1, 1, 2);
const steps: Batch = {
  x: Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
  steps: 4,
  batch: 2,
  targets: classes,
};
const sequence: Batch = { ...steps, x: Int32Array.of(0, 1, 2, 3, 4, 5, 6, 8), targets: Int32Array.of(1, 2) };
const ctc: Batch = { ...steps, targets: [[1, 1], [2]] };

/** Fails unless steps, evaluations and gradients of it are refused alike, and the next step is right. */
async function expectWrong(
  which: 0 | 1 | 2,
  batch: unknown,
  expected: object,
  message: RegExp,
): Promise<void> {
  const trainer = (await made)[which];
  const good = [steps, sequence, ctc][which]!;
  await trainer.step(good, 0.01);
  const { loss } = await trainer.evaluate(good);
  for (const call of [
    () => trainer.step(batch as Batch, 0.1),
    () => trainer.evaluate(batch as Batch),
    () => trainer.gradients(batch as Batch),
  ])
    await expectRefusal(trainer, call, expected, message);
  expect((await trainer.evaluate(good)).loss).toBe(loss);
}

const far = 2 ** 31;

describe('batches', () => {
  test.each<Wrong<unknown>>([
    ['undefined', undefined, type, /batch/],
    ['null', null, type, /batch/],
    ['a number', 3, type, /batch/],
    ['no steps', { ...steps, steps: undefined }, type, /^batch\.steps /],
    ['steps 0', { ...steps, steps: 0 }, range, /^batch\.steps /],
    ['steps fractional', { ...steps, steps: 1.5 }, range, /^batch\.steps /],
    ['batch NaN', { ...steps, batch: Number.NaN }, range, /^batch\.batch /],
    ['steps over capacity', { ...steps, steps: 5, x: new Float32Array(30) }, range, /capacity of 4 × 2/],
    ['streams over capacity', { ...steps, batch: 3, x: new Float32Array(36) }, range, /capacity of 4 × 2/],
    ['beyond all', { ...steps, steps: far, batch: far }, range, /capacity/],
    ['no x', { ...steps, x: undefined }, type, /x must be a Float32Array/],
    ['x a plain array', { ...steps, x: [...steps.x] }, type, /x must be/],
    ['x ids, where floats are read', { ...steps, x: new Int32Array(24) }, type, /x must be/],
    ['x too short', { ...steps, x: steps.x.subarray(1) }, range, /^batch\.x \[T, B, 3\]/],
    ['no targets', { ...steps, targets: undefined }, type, /^batch\.targets /],
    ['targets a plain array', { ...steps, targets: [0, 1, 2, 3, 4, -1, 1, 2] }, type, /^batch\.targets /],
    ['targets unsigned', { ...steps, targets: new Uint32Array(8) }, type, /^batch\.targets /],
    ['targets too few', { ...steps, targets: new Int32Array(7) }, range, /^batch\.targets \[T, B\]/],
    ['a class too large', { ...steps, targets: classes.with(3, 5) }, range, /^batch\.targets\[3\] is 5/],
    ['a class too small', { ...steps, targets: classes.with(0, -2) }, range, /^batch\.targets\[0\] /],
    ['no target that counts', { ...steps, targets: new Int32Array(8).fill(-1) }, range, /not one of them/],
    ['lengths too few', { ...steps, lengths: [4] }, range, /^lengths /],
    ['a length too large', { ...steps, lengths: [4, 5] }, range, /^lengths\[1\] /],
    ['a length negative', { ...steps, lengths: [-1, 4] }, range, /^lengths\[0\] /],
    ['a length fractional', { ...steps, lengths: [1.5, 4] }, range, /^lengths\[0\] /],
    ['lengths a number', { ...steps, lengths: 4 }, type, /^lengths /],
    ['all lengths 0', { ...steps, lengths: [0, 0] }, range, /not one of them/],
    ['carry a number', { ...steps, carry: 1 }, type, /^batch\.carry /],
  ])('loss over steps: %s', (_, batch, expected, message) => expectWrong(0, batch, expected, message));

  test.each<Wrong<unknown>>([
    ['x floats, where ids are read', { ...sequence, x: new Float32Array(8) }, type, /x must be ids/],
    ['an id too large', { ...sequence, x: sequence.x.with(7, 9) }, range, /x\[7\] is 9/],
    ['an id negative', { ...sequence, x: sequence.x.with(1, -1) }, range, /x\[1\] is -1/],
    ['an id far too large', { ...sequence, x: new Uint32Array(8).fill(2 ** 32 - 1) }, range, /x\[0\] is/],
    ['targets of steps', { ...sequence, targets: new Int32Array(8) }, range, /^batch\.targets \[B\]/],
    ['all streams empty', { ...sequence, lengths: [0, 0] }, range, /not one of them/],
  ])('loss over sequences: %s', (_, batch, expected, message) => expectWrong(1, batch, expected, message));

  test.each<Wrong<unknown>>([
    ['targets of steps', { ...ctc, targets: steps.targets }, type, /^batch\.targets /],
    ['too few strings', { ...ctc, targets: [[1]] }, type, /^batch\.targets /],
    ['a string that is none', { ...ctc, targets: [[1], 2] }, type, /^batch\.targets\[1\] /],
    ['a string without a length', { ...ctc, targets: [[1], {}] }, type, /^batch\.targets\[1\]\.length /],
    [
      'a string of no end',
      { ...ctc, targets: [[1], { length: 2 ** 40 }] },
      range,
      /^batch\.targets\[1\] needs/,
    ],
    ['a hole', { ...ctc, targets: [[1], undefined] }, type, /^batch\.targets\[1\] /],
    ['a blank among labels', { ...ctc, targets: [[1, 0], [2]] }, range, /^batch\.targets\[0\]\[1\] /],
    ['a label too large', { ...ctc, targets: [[1], [5]] }, range, /^batch\.targets\[1\]\[0\] /],
    ['a label that is none', { ...ctc, targets: [[1], ['2']] }, type, /^batch\.targets\[1\]\[0\] /],
    [
      'labels that do not fit',
      { ...ctc, targets: [[1, 2, 3, 4, 1], []] },
      range,
      /\[0\] needs at least 5 steps/,
    ],
    [
      'equal ones that do not fit',
      { ...ctc, targets: [[], [2, 2, 2]] },
      range,
      /\[1\] needs at least 5 steps/,
    ],
    ['none that fit a length', { ...ctc, lengths: [4, 0] }, range, /\[1\] needs at least 1 steps/],
  ])('CTC: %s', (_, batch, expected, message) => expectWrong(2, batch, expected, message));

  test('what is never read may be anything', async () => {
    const [floats, tokens] = await made;
    const lengths = [2, 0];
    const x = steps.x.map((value, i) => (i < 12 && i % 6 < 3 ? value : Number.NaN));
    const targets = classes.map((target, i) => (i < 4 && i % 2 === 0 ? target : 1 << 30));
    const clean = { ...steps, lengths, x: x.map((value) => value || 0) };
    const odd = { ...steps, lengths, x, targets };
    expect(await floats.gradients(odd)).toEqual(await floats.gradients(clean));
    expect(await floats.evaluate(odd)).toEqual(await floats.evaluate(clean));
    const past = { ...sequence, lengths: [1, 3], x: sequence.x.with(2, -5).with(6, 1 << 30) };
    expect(await tokens.evaluate(past)).toEqual(await tokens.evaluate({ ...sequence, lengths: [1, 3] }));
  });
});

test.each<Wrong<unknown>>([
  ['undefined', undefined, type, /^learningRate /],
  ['a string', '0.1', type, /^learningRate /],
  ['negative', -0.1, range, /^learningRate /],
  ['NaN', Number.NaN, range, /^learningRate /],
  ['infinite in f32', 1e39, range, /^learningRate /],
])('a learning rate that is %s', async (_, rate, expected, message) => {
  const [trainer] = await made;
  await expectRefusal(trainer, () => trainer.step(steps, rate as number), expected, message);
});

describe('states', () => {
  const change = (given: object) => (state: TrainerState) => ({ ...state, ...given });
  const carry = (given: object) => (state: TrainerState) => ({
    ...state,
    carried: { ...state.carried, ...given },
  });
  const record = (given: object) => (state: TrainerState) =>
    carry({ layers: [{ ...state.carried.layers[0], ...given }] })(state);
  const tensors =
    (given: object, without = '') =>
    (state: TrainerState) => {
      const { [without]: _, ...rest } = state.tensors;
      return { ...state, tensors: { ...rest, ...given } };
    };
  const small = { shape: [2], data: new Float32Array(2) };
  test.each<Wrong<(state: TrainerState) => unknown>>([
    ['undefined', () => undefined, type, /^state /],
    ['null', () => null, type, /^state /],
    ['no steps', change({ steps: undefined }), type, /^state\.steps /],
    ['steps negative', change({ steps: -1 }), range, /^state\.steps /],
    ['no tensors', change({ tensors: undefined }), type, /^state\.tensors /],
    ['no tensor at all', change({ tensors: {} }), range, /optimiser/],
    ['a weight missing', tensors({}, 'out.bias'), mismatch, /out\.bias/],
    ['a weight too many', tensors({ 'out.more': small }), mismatch, /out\.more/],
    ['a weight of another shape', tensors({ 'out.bias': small }), mismatch, /out\.bias/],
    ['a weight null', tensors({ 'out.bias': null }), type, /out\.bias/],
    ['a moment missing', tensors({}, 'first.out.bias'), mismatch, /out\.bias/],
    ['a moment of another shape', tensors({ 'first.out.bias': small }), mismatch, /out\.bias/],
    ['moments of another optimiser', tensors({ 'second.out.bias': small }), range, /optimiser/],
    ['no carried state', change({ carried: undefined }), type, /^state\.carried /],
    ['streams negative', carry({ batch: -1 }), range, /^state\.carried\.batch /],
    ['streams over capacity', carry({ batch: 3 }), range, /^state\.carried\.batch /],
    ['no layers', carry({ layers: undefined }), type, /^state\.carried\.layers /],
    ['too few layers', carry({ layers: [] }), range, /^state\.carried\.layers /],
    ['a hole', carry({ layers: [undefined] }), type, /^state\.carried\.layers\[0\] /],
    ['no h', record({ h: undefined }), type, /layers\[0\]\.h /],
    ['h of another size', record({ h: new Float32Array(5) }), range, /layers\[0\]\.h /],
    ['h a plain array', record({ h: Array(8).fill(0) }), type, /layers\[0\]\.h /],
    ['no c', record({ c: undefined }), type, /layers\[0\]\.c /],
  ])('%s', async (_, make, expected, message) => {
    const [trainer] = await made;
    await trainer.step(steps, 0.01);
    const state = make(trainer.save()) as TrainerState;
    await expectRefusal(trainer, () => trainer.restore(state), expected, message);
  });
});
