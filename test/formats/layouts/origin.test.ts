import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findOrigin, origins } from '#dist/formats/layouts/origin.js';
import { errorOf } from '../bytes.js';
import { makeVariables } from '../variables.js';
import { flashrnnWeights } from './flashrnn-models.js';
import { kerasModels, namings, weightsOf } from './keras-models.js';

type Shapes = Record<string, { shape: number[] }>;
const shapesOf = (arrays: Shapes) =>
  new Map(Object.entries(arrays).map(([name, { shape }]) => [name, shape]));
const read = (name: string) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
const xlstm = read('xlstm.json').tensors as Record<string, Shapes>;
const dreamer = read('dreamerv3.json').params as Shapes;
const variables = makeVariables({ embedding: [4, 3], hidden: [{ size: 4, blocks: 1 }], outputs: 4 });

test.each<[string, string | undefined, Shapes]>([
  ...namings.map((naming): [string, string, Shapes] => [
    `Keras, ${naming}`,
    'keras',
    weightsOf(kerasModels.both!, naming),
  ]),
  ['FlashRNN', 'flashrnn', flashrnnWeights('lstm', 'GHDP', 'GHD', 'layers.0.')],
  ['FlashRNN, one layer', 'flashrnn', flashrnnWeights('gru')],
  ['xLSTM, vanilla', 'xlstm', xlstm.vanilla!],
  ['xLSTM, cuda', 'xlstm', xlstm.cuda!],
  ['DreamerV3', 'dreamerv3', dreamer],
  ['TensorFlow 1', 'tensorflow', variables],
  ['PyTorch', 'pytorch', { 'rnn.weight_hh_l0': { shape: [4, 4] } }],
  ['linear layers alone', undefined, { 'fc.weight': { shape: [4, 4] } }],
  ['an R of two axes', undefined, { R: { shape: [4, 4] } }],
  ['nothing', undefined, {}],
])('%s', (_, origin, arrays) => {
  expect(findOrigin(shapesOf(arrays))).toBe(origin);
});

test('two origins at once are an error that names both', () => {
  const error = errorOf(() => findOrigin(shapesOf({ ...dreamer, ...xlstm.cuda })));
  expect([error.code, error.message]).toEqual([
    'ERR_MISMATCH',
    expect.stringMatching(/xlstm and dreamerv3.*option from/),
  ]);
  expect(origins).toHaveLength(6);
});
