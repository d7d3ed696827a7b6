import { describe, expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { checkCharacters, checkManifest, decodeArray } from '#dist/formats/checkpoint.js';
import type { Json } from '#dist/formats/json.js';
import { decodeTensorflow, isTensorflow, type TensorflowOptions } from '#dist/formats/layouts/tensorflow.js';
import type { Tensor, Tensors } from '#dist/model/tensors.js';
import { availableKernels, createModel } from '#dist/node.js';
import { runOracle } from '../oracle/model.js';
import { randomValues } from '../oracle/random.js';
import { findExcess } from '../oracle/tolerance.js';
import { errorOf } from './bytes.js';
import { makeVariables, runTensorflow, type Shape } from './variables.js';

const cell = (index: number, leaf: string) => `rnnlm/multi_rnn_cell/cell_${index}/basic_lstm_cell/${leaf}`;
const array = (...shape: number[]): Tensor => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + 1),
});
const small = () =>
  makeVariables({
    embedding: [7, 3],
    hidden: [
      { size: 4, blocks: 1 },
      { size: 5, blocks: 1 },
    ],
    outputs: 7,
  });

describe('what TensorFlow makes of an input', () => {
  const shapes: [string, Shape, blocks: number[]][] = [
    [
      'two dense layers between an embedding and a softmax',
      {
        embedding: [11, 5],
        hidden: [
          { size: 7, blocks: 1 },
          { size: 9, blocks: 1 },
        ],
        outputs: 11,
      },
      [1, 1],
    ],
    [
      'zeros off the blocks',
      {
        embedding: [6, 3],
        hidden: [
          { size: 12, blocks: 3 },
          { size: 10, blocks: 5 },
        ],
        outputs: 6,
      },
      [3, 5],
    ],
    ['diagonal, no embedding', { inputSize: 3, hidden: [{ size: 9, blocks: 9 }], outputs: 2 }, [9]],
    ['one cell alone, one unit', { inputSize: 1, hidden: [{ size: 1, blocks: 1 }] }, [1]],
  ];
  const runs = availableKernels().flatMap((kernels) => shapes.map((shape) => [kernels, ...shape] as const));

  test.each(runs)('%s: %s', async (kernels, _, shape, blocks) => {
    const variables = makeVariables(shape);
    for (const [steps, batch, forgetBias] of [
      [9, 3, undefined],
      [1, 1, undefined],
      [5, 2, 0],
      [5, 2, 2.5],
    ] as const) {
      const { spec, tensors } = decodeTensorflow(variables, { forgetBias });
      expect(spec.layers.flatMap((layer) => (layer.kind === 'lstm' ? [layer.blocks] : []))).toEqual(blocks);
      const random = seededRandom(2);
      const count = shape.embedding?.[0];
      const x =
        count === undefined
          ? randomValues(random, steps * batch * shape.inputSize!)
          : Int32Array.from({ length: steps * batch }, () => Math.floor(random() * count));
      const expected = runTensorflow(variables, x, steps, batch, forgetBias);
      using model = await createModel(spec, tensors, { kernels });
      const { y } = await model.run(x, { steps, batch });
      // Nothing is rounded on the way into `tensors`, so what the run of these may be off by is all there is.
      const { bound } = runOracle(spec, tensors, x, { steps, batch });
      expect(findExcess(y, expected, bound)).toBeNull();
      // With c = 0 before it, the first step forgets nothing.
      const other = runTensorflow(variables, x, steps, batch, (forgetBias ?? 1) + 0.1);
      expect(findExcess(y, other, bound) === null).toBe(steps === 1);
    }
  });
});

describe('what becomes of the variables', () => {
  test('names, sizes and every value', () => {
    const { spec, tensors } = decodeTensorflow({
      embedding: array(4, 2),
      [cell(0, 'weights')]: array(3, 4),
      [cell(0, 'biases')]: array(4),
      softmax_w: array(1, 2),
      softmax_b: array(2),
      Variable: array(),
    });
    expect(spec.layers).toEqual([
      { kind: 'embedding', name: 'embedding', count: 4, size: 2 },
      { kind: 'lstm', name: 'lstm.0', inputSize: 2, hiddenSize: 1, blocks: 1 },
      { kind: 'linear', name: 'output', inputSize: 1, outputSize: 2, bias: true },
    ]);
    const values = Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, [...data]]));
    // The kernel's rows are 1 2 3 4, 5 6 7 8 and 9 10 11 12, its columns i j f o.
    expect(values).toEqual({
      'embedding.weight': [1, 2, 3, 4, 5, 6, 7, 8],
      'lstm.0.weight_ih': [1, 5, 3, 7, 2, 6, 4, 8],
      'lstm.0.weight_hh': [9, 11, 10, 12],
      'lstm.0.bias_ih': [1, 3, 2, 4],
      'lstm.0.bias_hh': [0, 1, 0, 0],
      'output.weight': [1, 2],
      'output.bias': [1, 2],
    });
  });

  test.each([
    ['rnn/basic_lstm_cell/kernel', 'rnn/basic_lstm_cell/bias'],
    ['rnn/multi_rnn_cell/cell_0/lstm_cell/kernel', 'rnn/multi_rnn_cell/cell_0/lstm_cell/bias'],
    ['cell_0/basic_lstm_cell/weights', 'cell_0/basic_lstm_cell/biases'],
    ['lstm_cell/kernel', 'lstm_cell/bias'],
  ])('a cell is known as %s', (kernel, bias) => {
    const { spec } = decodeTensorflow({ [kernel]: array(3, 8), [bias]: array(8) });
    expect(spec.layers).toMatchObject([{ name: 'lstm.0', inputSize: 1, hiddenSize: 2 }]);
    expect(isTensorflow(['x', kernel])).toBe(true);
    expect(isTensorflow(['x', 'lstm.weight_ih_l0', 'lstm/kernel'])).toBe(false);
  });

  test.each([
    ['fully_connected/weights', 'fully_connected/biases'],
    ['dense/kernel', 'dense/bias'],
    ['W', 'b'],
    ['softmax_w', 'softmax_b'],
  ])('a linear layer is known as %s, and does without a bias', (weight, bias) => {
    const cells = { 'lstm_cell/kernel': array(3, 8), 'lstm_cell/bias': array(8), [weight]: array(2, 3) };
    expect(decodeTensorflow(cells).spec.layers[1]).toMatchObject({ outputSize: 3, bias: false });
    const both = decodeTensorflow({ ...cells, [bias]: array(3) });
    expect(both.spec.layers[1]).toMatchObject({ outputSize: 3, bias: true });
    expect([...both.tensors['output.bias']!.data]).toEqual([1, 2, 3]);
  });

  test('layers by their numbers, whatever the order of the file', () => {
    const hidden = Array.from({ length: 11 }, (_, index) => ({ size: 1 + index, blocks: 1 }));
    const variables = makeVariables({ inputSize: 2, hidden });
    const backwards = Object.fromEntries(Object.entries(variables).sort().reverse());
    expect(decodeTensorflow(backwards)).toEqual(decodeTensorflow(variables));
    expect(decodeTensorflow(backwards).spec.layers[10]).toMatchObject({ name: 'lstm.10', hiddenSize: 11 });
  });

  test('what an optimiser keeps is left out', () => {
    const variables = small();
    for (const [name, value] of Object.entries(variables)) {
      if (value.shape.length > 0)
        Object.assign(variables, { [`${name}/Adam`]: value, [`${name}/Adam_1`]: value });
    }
    Object.assign(variables, { beta1_power: array(), global_step: array() });
    expect(decodeTensorflow(variables)).toEqual(decodeTensorflow(small()));
    expect(errorOf(() => decodeTensorflow({ ...small(), 'other/Adam': array(2) })).message).toContain(
      'other/Adam',
    );
  });

  test('blocks, tolerance and vocabulary', () => {
    const variables = makeVariables({ embedding: [3, 2], hidden: [{ size: 8, blocks: 4 }], outputs: 3 });
    const blocksOf = (options: TensorflowOptions) => decodeTensorflow(variables, options).spec.layers[1];
    expect(blocksOf({ blocks: 2 })).toMatchObject({ blocks: 2 });
    expect(blocksOf({ tolerance: 10 })).toMatchObject({ blocks: 8 });
    expect(errorOf(() => blocksOf({ blocks: 8 }))).toMatchObject({ name: 'MismatchError' });
    expect(decodeTensorflow(variables, { vocab: [65, 10, 66] }).vocab).toEqual([65, 10, 66]);
    expect(errorOf(() => blocksOf({ vocab: [65] }))).toMatchObject({ name: 'MismatchError' });
    expect(errorOf(() => blocksOf({ forgetBias: Number.NaN }))).toMatchObject({ name: 'RangeError' });
  });
});

describe('what does not fit, or is not read', () => {
  test.each<[string, Record<string, Tensor | undefined>, part: string]>([
    ['no bias', { [cell(1, 'biases')]: undefined }, `"${cell(1, 'biases')}" is missing`],
    ['a layer left out', { [cell(0, 'weights')]: undefined }, 'nothing of cell_0'],
    ['columns that are not four times the units', { [cell(0, 'weights')]: array(7, 15) }, '[7, 15]'],
    ['no rows for the input', { [cell(0, 'weights')]: array(4, 16) }, '[4, 16]'],
    ['a kernel of three axes', { [cell(0, 'weights')]: array(7, 16, 1) }, '[7, 16, 1]'],
    ['no units', { [cell(0, 'weights')]: array(3, 0) }, '[3, 0]'],
    ['an input of another width', { [cell(0, 'weights')]: array(8, 16) }, 'it must be [7, 16]'],
    ['a second layer of another width', { [cell(1, 'weights')]: array(10, 20) }, 'it must be [9, 20]'],
    ['a bias of another length', { [cell(0, 'biases')]: array(15) }, 'implies [16]'],
    ['a linear weight of another width', { 'rnnlm/softmax_w': array(7, 5) }, 'it must be [5, O]'],
    ['a linear bias of another length', { 'rnnlm/softmax_b': array(8) }, 'implies [7]'],
    ['a second linear layer', { 'dense/kernel': array(7, 7) }, '"dense/kernel"'],
    ['a second embedding', { 'other/embeddings': array(7, 7) }, '"other/embeddings"'],
    ['a second stack', { 'x/cell_0/basic_lstm_cell/kernel': array(7, 16) }, 'one stack'],
    ['a cell in both ways of naming', { [cell(0, 'kernel')]: array(7, 16) }, 'one stack'],
    ['something else', { 'batch_norm/gamma': array(5) }, '"batch_norm/gamma" [5]'],
    [
      'fewer values than sizes',
      { embedding: { ...array(7, 3), shape: [7, 4] } },
      'needs 28 values, it has 21',
    ],
    ['no cell', { [cell(0, 'weights')]: undefined, [cell(1, 'weights')]: undefined }, 'no cell'],
  ])('%s', (_, change, part) => {
    const variables = Object.fromEntries(
      Object.entries({ ...small(), ...change }).filter((entry): entry is [string, Tensor] => !!entry[1]),
    );
    const error = errorOf(() => decodeTensorflow(variables));
    expect(error).toMatchObject({ name: 'MismatchError', code: 'ERR_MISMATCH' });
    expect(error.message).toContain(part);
  });

  test.each([
    ['lstm/lstm_cell/recurrent_kernel', 'Keras layout'],
    ['gru/recurrent_kernel:0', 'Keras layout'],
    ['rnn/bidirectional_rnn/fw/basic_lstm_cell/kernel', 'bidirectional'],
    ['rnn/lstm_cell/w_f_diag', 'peepholes'],
    ['rnn/lstm_cell/projection/kernel', 'num_proj'],
    ['rnn/multi_rnn_cell/cell_0/gru_cell/gates/kernel', 'TensorFlow cell'],
    ['rnn/basic_rnn_cell/kernel', 'TensorFlow cell'],
    ['rnn/layer_norm_basic_lstm_cell/kernel', 'TensorFlow cell'],
    ['rnn/basic_lstm_cell_1/kernel', 'TensorFlow cell'],
  ])('%s: %s', (name, feature) => {
    const error = errorOf(() => decodeTensorflow({ ...small(), [name]: array(2, 8) }));
    expect(error).toMatchObject({ name: 'UnsupportedError', feature });
    expect(error.message).toContain(name);
  });

  test('sizes past the limit', () => {
    const variables: Tensors = { 'lstm_cell/kernel': array(2, 4), 'lstm_cell/bias': array(4) };
    variables.embedding = { shape: [200_000, 1], data: new Float32Array(200_000) };
    expect(errorOf(() => decodeTensorflow(variables))).toMatchObject({
      name: 'UnsupportedError',
      feature: 'model shape',
    });
  });
});

describe('a folder of raw arrays', () => {
  test('entries and their bytes', () => {
    const listed = checkManifest({
      'a/b': { filename: 'a_b', shape: [2, 1] },
      c: { filename: 'c', shape: [] },
    });
    expect([...listed.keys()]).toEqual(['a/b', 'c']);
    // From an odd address, and not at the start of its memory.
    const bytes = new Uint8Array([9, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]).subarray(1);
    const read = decodeArray('a/b', listed.get('a/b')!, bytes);
    expect(read).toEqual({ shape: [2, 1], data: Float32Array.of(1, -2) });
    for (const wrong of [bytes.subarray(1), bytes.subarray(8)]) {
      const error = errorOf(() => decodeArray('a/b', listed.get('a/b')!, wrong));
      expect(error).toMatchObject({ name: 'FormatError', tensor: 'a/b' });
      expect(error.message).toContain(`needs 8 bytes, "a_b" has ${wrong.length}`);
    }
    const huge = { filename: 'h', shape: [2 ** 40, 2 ** 40] };
    expect(errorOf(() => decodeArray('h', huge, bytes))).toMatchObject({ name: 'FormatError' });
  });

  const entry = (change: Record<string, Json>): Json => ({ v: { filename: 'v', shape: [1], ...change } });
  test.each<[string, Json]>([
    ['an array', []],
    ['null', null],
    ['an entry that is none', { v: 1 }],
    ['a path upwards', entry({ filename: '../v' })],
    ['a path', entry({ filename: '/v' })],
    ['a path of Windows', entry({ filename: 'c:v' })],
    ['the folder', entry({ filename: '.' })],
    ['the folder above', entry({ filename: '..' })],
    ['no name', entry({ filename: '' })],
    ['a name that is none', entry({ filename: 1 })],
    ['a shape that is none', entry({ shape: 1 })],
    ['a negative size', entry({ shape: [-1] })],
    ['a broken size', entry({ shape: [1.5] })],
    ['a size in words', entry({ shape: ['1'] })],
  ])('%s is no manifest', (_, manifest) => {
    expect(errorOf(() => checkManifest(manifest))).toMatchObject({ name: 'FormatError', code: 'ERR_FORMAT' });
  });

  test('characters', () => {
    expect(checkCharacters({ b: 0, '\n': 2, "'": 1 })).toEqual([98, 39, 10]);
    for (const [ids, part] of [
      [{ '': 0 }, 'the key "", of id 0'],
      [{ a: 0, '  ': 1 }, 'the key "  ", of id 1'],
      [{ a: 1 }, 'the id of "a" is 1'],
      [{ a: 0, b: 0 }, 'the id of "b" is 0'],
      [{ a: 0, b: -1 }, 'the id of "b" is -1'],
      [{ a: 0.5 }, '0.5'],
      [{ a: '0' }, '"0"'],
      [['a'], 'an object of ids'],
    ] as [Json, string][]) {
      const error = errorOf(() => checkCharacters(ids));
      expect(error).toMatchObject({ name: 'FormatError' });
      expect(error.message).toContain(part);
    }
    expect(errorOf(() => checkCharacters({ é: 0 }))).toMatchObject({ name: 'UnsupportedError' });
  });
});
