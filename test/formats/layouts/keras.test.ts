import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import type { Json } from '#dist/formats/json.js';
import { decodeKeras, type KerasOptions } from '#dist/formats/layouts/keras.js';
import type { Tensors } from '#dist/model/tensors.js';
import { availableKernels, createModel } from '#dist/node.js';
import { errorOf } from '../bytes.js';
import { type KerasModel, kerasModels, namings, weightsOf } from './keras-models.js';
import { walk } from './walk.js';

const steps = 5;
/** Keras computes in f32: some fifty roundings of 2^-24, of values below 2, between an input and an output. */
const tolerance = 50 * 2 ** -23;

/** The largest difference between Keras's outputs and those of a model in f64. */
function worst(file: Parameters<typeof walk>[0], { x, y }: KerasModel): number {
  const [inputs, outputs] = [x.data.length / 2, y.data.length / 2];
  let most = 0;
  for (const b of [0, 1]) {
    const found = walk(file, x.data.slice(b * inputs, (b + 1) * inputs), steps).flat();
    expect(found).toHaveLength(outputs);
    for (const [i, value] of found.entries())
      most = Math.max(most, Math.abs(value - y.data[b * outputs + i]!));
  }
  return most;
}

const withVersion = (config: KerasModel['config']) => ({ ...config, keras_version: '3.15.1' });
/** What one must say without a config, where that is enough; layers go by the counts of their class or by their names. */
const said: Record<string, KerasOptions> = {
  lstm: { activation: 'softmax' },
  gru: { activation: 'linear,dense_1=tanh' },
  'gru numbered': { activation: 'dense=tanh,dense_1=linear' },
  rnn: { activation: 'relu,dense_3=linear' },
  'rnn numbered': { activation: 'relu,dense=linear' },
  plain: { resetAfter: true },
};

describe.each(Object.entries(kerasModels))('what Keras makes of an input: %s', (name, model) => {
  test.each(namings)('%s, with a config', (naming) => {
    const config = withVersion(model.config);
    expect(worst(decodeKeras(weightsOf(model, naming), { config }), model)).toBeLessThan(tolerance);
  });

  const options = (naming: string) => said[`${name} ${naming}`] ?? said[name];
  test.each(namings.filter(options))('%s, without one', (naming) => {
    expect(worst(decodeKeras(weightsOf(model, naming), options(naming)), model)).toBeLessThan(tolerance);
  });
});

describe.each(availableKernels())('run by %s', (kernels) => {
  test.each(['lstm', 'gru', 'rnn', 'plain'])('%s', async (name) => {
    const model = kerasModels[name]!;
    const { spec, tensors } = decodeKeras(weightsOf(model, 'path'), { config: withVersion(model.config) });
    const compiled = await createModel(spec, tensors, { kernels });
    const [inputs, outputs] = [model.x.data.length / 2, model.y.data.length / 2];
    const input = spec.layers[0]!.kind === 'embedding' ? Int32Array : Float32Array;
    for (const b of [0, 1]) {
      const x = input.from(model.x.data.slice(b * inputs, (b + 1) * inputs));
      const { y } = await compiled.run(x, { steps });
      for (const [i, value] of y.entries())
        expect(Math.abs(value - model.y.data[b * outputs + i]!)).toBeLessThan(tolerance);
    }
    compiled.dispose();
  });
});

test('blocks are found, the same in both directions', () => {
  const weights = weightsOf(kerasModels.both!, 'path');
  for (const [name, { shape, data }] of Object.entries(weights)) {
    if (!name.endsWith('recurrent_kernel')) continue;
    const [units, columns] = shape as [number, number];
    // The way there is diagonal in both layers, the way back has two blocks where it can.
    const blocks = name.includes('backward') && units === 4 ? 2 : units;
    for (let k = 0; k < data.length; k++) {
      const [from, to] = [Math.floor(k / columns), (k % columns) % units];
      if (Math.floor((from * blocks) / units) !== Math.floor((to * blocks) / units)) data[k] = 0;
    }
  }
  const config = withVersion(kerasModels.both!.config);
  const { spec, tensors } = decodeKeras(weights, { config });
  const found = spec.layers.flatMap((layer) => ('blocks' in layer ? [layer.blocks] : []));
  expect(found).toEqual([2, 3]);
  expect(tensors['bidirectional.weight_hh_reverse']!.shape).toEqual([16, 2]);
  expect(decodeKeras(weights, { config, blocks: 1 }).tensors['bidirectional.weight_hh']!.shape).toEqual([
    16, 4,
  ]);
});

test('what optimisers and seeds keep is of no layer', () => {
  const weights = weightsOf(kerasModels.lstm!, 'numbered');
  const more = { shape: [3, 16], data: new Float32Array(48) };
  const all = {
    ...weights,
    'optimizer/vars/2': more,
    'layers/lstm/cell/seed_generator/vars/0': { shape: [2], data: new Float32Array(2) },
    learning_rate: { shape: [], data: Float32Array.of(1) },
  };
  expect(decodeKeras(all, said.lstm)).toEqual(decodeKeras(weights, said.lstm));
});

/** The weights of a model with changes; undefined takes one away. */
const changed = (name: string, changes: Record<string, number[] | undefined>): Tensors => {
  const weights: Tensors = weightsOf(kerasModels[name]!, 'numbered');
  for (const [key, shape] of Object.entries(changes)) {
    if (shape === undefined) delete weights[key];
    else weights[key] = { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) };
  }
  return weights;
};
type Config = { [key: string]: Json };
/** The config of a model, one field of one layer changed. */
const told = (name: string, index: number, fields: Config): KerasOptions => {
  const config = structuredClone(withVersion(kerasModels[name]!.config)) as unknown as {
    config: { layers: Config[] };
  };
  Object.assign(config.config.layers[index]!.config as Config, fields);
  return { config };
};

test.each<[string, Tensors, KerasOptions, string, RegExp]>([
  [
    'a Dense without its activation',
    changed('lstm', {}),
    {},
    'ERR_MISMATCH',
    /activation of Dense layer "dense".*"dense=softmax"/,
  ],
  [
    'a SimpleRNN without its activation',
    changed('rnn', {}),
    { activation: 'dense=linear' },
    'ERR_MISMATCH',
    /of SimpleRNN layer "simple_rnn"/,
  ],
  ['a GRU without a bias', changed('plain', {}), {}, 'ERR_MISMATCH', /whether reset_after is True/],
  [
    'an activation of nobody',
    changed('lstm', {}),
    { activation: 'lstm_7=tanh' },
    'ERR_MISMATCH',
    /names layer "lstm_7"; there are "dense"/,
  ],
  [
    'an activation that is none',
    changed('lstm', {}),
    { activation: 'wave' },
    'ERR_ARGUMENT_RANGE',
    /"wave" is none of/,
  ],
  [
    'softmax in a cell',
    changed('rnn', {}),
    { activation: 'softmax' },
    'ERR_UNSUPPORTED',
    /softmax inside a recurrent layer/,
  ],
  [
    'hard_sigmoid of some version',
    changed('both', {}),
    { config: kerasModels.both!.config },
    'ERR_UNSUPPORTED',
    /hard_sigmoid is depends|what hard_sigmoid is/,
  ],
  [
    'an order that widths leave open',
    changed('graph', {}),
    { activation: 'linear' },
    'ERR_MISMATCH',
    /allow no order.*option config/,
  ],
  [
    'a missing kernel',
    changed('lstm', { 'layers/lstm/cell/vars/0': undefined }),
    said.lstm!,
    'ERR_MISMATCH',
    /kernel of layer "lstm" is missing/,
  ],
  [
    'a recurrent kernel of five gates',
    changed('lstm', { 'layers/lstm/cell/vars/1': [4, 20] }),
    said.lstm!,
    'ERR_MISMATCH',
    /\[H, 4·H\] for an LSTM/,
  ],
  [
    'a kernel of another cell',
    changed('lstm', { 'layers/lstm/cell/vars/0': [3, 12] }),
    said.lstm!,
    'ERR_MISMATCH',
    /\[3, 12\]; .*implies \[3, 16\]/,
  ],
  [
    'a bias of another size',
    changed('lstm', { 'layers/lstm/cell/vars/2': [32] }),
    said.lstm!,
    'ERR_MISMATCH',
    /implies \[16\]/,
  ],
  [
    'a GRU with a bias of an LSTM',
    changed('gru', { 'layers/gru/cell/vars/2': [3, 12] }),
    said['gru numbered']!,
    'ERR_MISMATCH',
    /implies \[2, 12\]/,
  ],
  [
    'a layer that is not done',
    changed('lstm', { 'layers/conv1d/vars/0': [3, 3, 4] }),
    said.lstm!,
    'ERR_UNSUPPORTED',
    /layer "conv1d"/,
  ],
  [
    'a layer of no place',
    changed('lstm', { 'layers/dense_1/vars/0': [9, 9] }),
    said.lstm!,
    'ERR_MISMATCH',
    /allow no order/,
  ],
  ['nothing', {}, {}, 'ERR_MISMATCH', /no weights of a layer/],
  [
    'a config of other layers',
    changed('lstm', {}),
    { config: kerasModels.gru!.config },
    'ERR_MISMATCH',
    /names GRU "gru"; no layer has/,
  ],
  [
    'a config that lacks a layer',
    changed('lstm', { 'layers/dense_1/vars/0': [2, 2] }),
    { config: kerasModels.lstm!.config },
    'ERR_MISMATCH',
    /no layer uses these/,
  ],
  [
    'mask_zero',
    changed('lstm', {}),
    told('lstm', 1, { mask_zero: true }),
    'ERR_UNSUPPORTED',
    /mask_zero.*lengths/,
  ],
  [
    'go_backwards',
    changed('lstm', {}),
    told('lstm', 2, { go_backwards: true }),
    'ERR_UNSUPPORTED',
    /go_backwards/,
  ],
  [
    'one value for both directions',
    changed('both', {}),
    told('both', 1, { merge_mode: 'sum' }),
    'ERR_UNSUPPORTED',
    /merge_mode "sum"/,
  ],
  [
    'reset_after against the bias',
    changed('gru', {}),
    told('gru', 1, { reset_after: false }),
    'ERR_MISMATCH',
    /reset_after false.*says true/,
  ],
  [
    'an activation that is not done',
    changed('lstm', {}),
    told('lstm', 4, { activation: 'selu' }),
    'ERR_UNSUPPORTED',
    /"selu" is not done/,
  ],
  [
    'a config that is none',
    changed('lstm', {}),
    { config: [] },
    'ERR_ARGUMENT_TYPE',
    /config must be an object/,
  ],
  [
    'a class of its own',
    changed('lstm', {}),
    { config: { class_name: 'My', config: { layers: [{}] } } },
    'ERR_UNSUPPORTED',
    /class "My"/,
  ],
])('%s is an error', async (_, weights, options, code, message) => {
  const error = await errorOf(() => decodeKeras(weights, options));
  expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
});

test('mutated configs, names and shapes give a model or one of the errors', async () => {
  const random = seededRandom(5);
  const values: Json[] = [
    null,
    -1,
    0,
    'lstm',
    'input',
    [],
    {},
    [[]],
    true,
    1e9,
    'LSTM',
    'Dense',
    '__proto__',
    [['lstm', 0, 0]],
  ];
  const mutate = (json: Json): Json => {
    if (random() < 0.02) return values[Math.floor(random() * values.length)]!;
    if (Array.isArray(json)) return json.flatMap((each) => (random() < 0.01 ? [] : [mutate(each)]));
    if (json === null || typeof json !== 'object') return json;
    return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, mutate(value)]));
  };
  const names = Object.keys(kerasModels);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(names.length - 1),
      fc.nat(2),
      fc.boolean(),
      fc.nat(),
      async (which, naming, withConfig, at) => {
        const model = kerasModels[names[which]!]!;
        const weights = weightsOf(model, namings[naming]!);
        const keys = Object.keys(weights);
        const key = keys[at % keys.length]!;
        const other = keys[(at * 7 + 3) % keys.length]!;
        if (at % 3 === 0) weights[key] = weights[other]!;
        if (at % 3 === 1) {
          weights[`${other}/${key.split('/').at(-1)}`] = weights[key]!;
          delete weights[key];
        }
        const config = withConfig ? mutate(withVersion(model.config)) : undefined;
        try {
          const file = decodeKeras(weights, { config, activation: 'tanh', resetAfter: true });
          expect(file.spec.layers.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_(?!ARGUMENT_RANGE)/) });
        }
      },
    ),
    { numRuns: 400 },
  );
});
