import { describe, expect, test } from 'vitest';
import { checkSpec } from '#dist/model/check.js';
import type { LinearSpec } from '#dist/model/spec.js';
import { layerTensors } from '#dist/model/tensors.js';

const type = { name: 'TypeError', code: 'ERR_ARGUMENT_TYPE' };
const range = { name: 'RangeError', code: 'ERR_ARGUMENT_RANGE' };

const lstm = { kind: 'lstm', name: 'a', inputSize: 4, hiddenSize: 6, blocks: 2 };
const linear = { kind: 'linear', name: 'out', inputSize: 6, outputSize: 3 };
const embedding = { kind: 'embedding', name: 'e', count: 9, size: 4 };
const tanh = { kind: 'activation', name: 't', activation: 'tanh' };

const stack = (...layers: unknown[]) => ({ layers });

const whole: [string, unknown, object][] = [
  ['nothing', undefined, type],
  ['null', null, type],
  ['a string', 'lstm', type],
  ['no layers', {}, type],
  ['layers an object', { layers: { length: 1, 0: lstm } }, type],
  ['no layer at all', stack(), range],
  [
    'a thousand and one layers',
    stack(...Array.from({ length: 1001 }, (_, k) => ({ ...linear, name: `${k}` }))),
    range,
  ],
  ['holes', { layers: new Array(2) }, type],
  ['a layer that is null', stack(null), type],
  ['a layer that is a string', stack('lstm'), type],
  ['no kind', stack({ ...lstm, kind: undefined }), type],
  ['an unknown kind', stack({ ...lstm, kind: 'transformer' }), range],
  ['a kind in capitals', stack({ ...lstm, kind: 'LSTM' }), range],
  ['a kind that objects have', stack({ ...lstm, kind: 'constructor' }), range],
  ['no name', stack({ ...lstm, name: undefined }), type],
  ['an empty name', stack({ ...lstm, name: '' }), type],
  ['a name of a page', stack({ ...lstm, name: 'x'.repeat(501) }), type],
  ['a name that is a number', stack({ ...lstm, name: 1 }), type],
  ['the same name twice', stack(lstm, { ...linear, name: 'a' }), range],
  ['an embedding in the middle', stack(lstm, embedding), range],
  ['an activation first', stack(tanh, lstm), range],
  ['widths that do not fit', stack(lstm, { ...linear, inputSize: 5 }), range],
  ['an embedding of another width', stack({ ...embedding, size: 5 }, lstm), range],
  ['widths across an activation that do not fit', stack(lstm, tanh, { ...linear, inputSize: 7 }), range],
  ['blocks that do not divide', stack({ ...lstm, blocks: 4 }), range],
  [
    'linear blocks that do not divide the inputs',
    stack({ ...linear, inputSize: 4, outputSize: 6, blocks: 3 }),
    range,
  ],
  ['linear blocks that do not divide the outputs', stack({ ...linear, outputSize: 4, blocks: 3 }), range],
  ['more blocks than units', stack({ ...lstm, blocks: 12 }), range],
  ['an unknown activation', stack(lstm, { ...tanh, activation: 'selu' }), range],
  ['no activation', stack(lstm, { ...tanh, activation: undefined }), type],
  ['an unknown elman activation', stack({ ...lstm, kind: 'elman', activation: 'selu' }), range],
  ['resetAfter a number', stack({ ...lstm, kind: 'gru', resetAfter: 1 }), type],
  ['bias a string', stack({ ...linear, bias: 'false' }), type],
];

const sizes: [string, unknown, object][] = [
  ['missing', undefined, type],
  ['null', null, type],
  ['a string', '4', type],
  ['a bigint', 4n, type],
  ['an array', [4], type],
  ['zero', 0, range],
  ['negative', -4, range],
  ['fractional', 4.5, range],
  ['NaN', Number.NaN, range],
  ['infinite', Number.POSITIVE_INFINITY, range],
  ['2^17 + 1', 2 ** 17 + 1, range],
  ['2^31', 2 ** 31, range],
  ['2^32 + 4', 2 ** 32 + 4, range],
  ['1e308', 1e308, range],
];

const fields: [string, Record<string, unknown>, string][] = [
  ['lstm.inputSize', lstm, 'inputSize'],
  ['lstm.hiddenSize', lstm, 'hiddenSize'],
  ['gru.hiddenSize', { ...lstm, kind: 'gru' }, 'hiddenSize'],
  ['elman.inputSize', { ...lstm, kind: 'elman' }, 'inputSize'],
  ['linear.inputSize', linear, 'inputSize'],
  ['linear.outputSize', linear, 'outputSize'],
  ['embedding.count', embedding, 'count'],
  ['embedding.size', embedding, 'size'],
];

describe('a spec that is refused', () => {
  test.each(whole)('%s', (_, spec, expected) => {
    expect(() => checkSpec(spec)).toThrow(expect.objectContaining(expected));
  });

  test.each(fields)('%s of any wrong size', (_, layer, field) => {
    for (const [what, size, expected] of sizes) {
      expect(() => checkSpec(stack({ ...layer, [field]: size })), what).toThrow(
        expect.objectContaining(expected),
      );
    }
  });

  test('blocks of any wrong size', () => {
    for (const [what, blocks, expected] of sizes) {
      if (blocks === undefined) continue;
      expect(() => checkSpec(stack({ ...lstm, blocks })), what).toThrow(expect.objectContaining(expected));
      expect(() => checkSpec(stack({ ...linear, blocks })), what).toThrow(expect.objectContaining(expected));
    }
  });

  test('the message names the layer and the field', () => {
    expect(() => checkSpec(stack(lstm, { ...linear, outputSize: 0 }))).toThrow(
      'layer 1 (out): outputSize must be an integer within 1..131072, got 0.',
    );
  });
});

describe('a spec that is accepted', () => {
  test('comes back as a copy with every default written out', () => {
    const given = {
      layers: [
        { ...embedding },
        { kind: 'lstm', name: 'a', inputSize: 4, hiddenSize: 6, unknown: 1 },
        { kind: 'gru', name: 'b', inputSize: 6, hiddenSize: 6 },
        { kind: 'elman', name: 'c', inputSize: 6, hiddenSize: 6, blocks: 6 },
        { ...tanh },
        { ...linear },
      ],
    };
    const before = structuredClone(given);
    const checked = checkSpec(given);
    expect(checked).toEqual({
      layers: [
        embedding,
        { kind: 'lstm', name: 'a', inputSize: 4, hiddenSize: 6, blocks: 1 },
        { kind: 'gru', name: 'b', inputSize: 6, hiddenSize: 6, blocks: 1, resetAfter: true },
        { kind: 'elman', name: 'c', inputSize: 6, hiddenSize: 6, blocks: 6, activation: 'tanh' },
        tanh,
        { ...linear, bias: true },
      ],
    });
    expect(given).toEqual(before);
    expect(checkSpec(checked)).toEqual(checked);
    expect(checkSpec(JSON.parse(JSON.stringify(checked)))).toEqual(checked);
  });

  test('says blocks of a linear layer where there are some', () => {
    const { layers } = checkSpec(
      stack({ ...linear, blocks: 1 }, { ...linear, name: 'b', inputSize: 3, blocks: 3 }),
    );
    expect(layers[0]).toEqual({ ...linear, bias: true });
    expect(layers[1]).toEqual({ ...linear, name: 'b', inputSize: 3, blocks: 3, bias: true });
    expect(layerTensors({ ...layers[1]!, kind: 'linear', inputSize: 12 } as LinearSpec)).toEqual({
      'b.weight': [3, 4],
      'b.bias': [3],
    });
  });

  test('says blocks of inputs where there are some', () => {
    for (const kind of ['lstm', 'gru', 'elman', 'slstm', 'lnlstm', 'sru', 'qrnn']) {
      const given = { kind, name: 'a', inputSize: 12, hiddenSize: 6 };
      expect(checkSpec(stack({ ...given, inputBlocks: 1 })).layers[0]).not.toHaveProperty('inputBlocks');
      const [layer] = checkSpec(stack({ ...given, inputBlocks: 3 })).layers;
      expect(layer).toHaveProperty('inputBlocks', 3);
      expect(layerTensors(layer!)['a.weight_ih']![1]).toBe(4);
    }
  });

  test('says of the family only what is not the default', () => {
    const layers = [
      { kind: 'conv', name: 'c', size: 6, width: 4 },
      { kind: 'slstm', name: 'x', inputSize: 6, hiddenSize: 6 },
      { kind: 'sru', name: 's', inputSize: 6, hiddenSize: 6, scale: 1 },
      { kind: 'qrnn', name: 'q', inputSize: 6, hiddenSize: 6, direction: 'forward' },
      { kind: 'delay', name: 'd', size: 6 },
      { kind: 'lnlstm', name: 'n', inputSize: 6, hiddenSize: 6, blocks: 1 },
      { kind: 'lngru', name: 'm', inputSize: 6, hiddenSize: 6, blocks: 3 },
      { kind: 'lstm', name: 'p', inputSize: 6, hiddenSize: 6, projectionSize: 2, coupled: false, zoneout: 0 },
      { kind: 'elman', name: 'e', inputSize: 2, hiddenSize: 6, zoneout: 0.25 },
    ];
    const sizes = { inputSize: 6, hiddenSize: 6 };
    const { layers: checked } = checkSpec({ layers });
    expect(checked).toEqual([
      { kind: 'conv', name: 'c', size: 6, width: 4, bias: true },
      { kind: 'slstm', name: 'x', ...sizes, blocks: 1 },
      { kind: 'sru', name: 's', ...sizes },
      { kind: 'qrnn', name: 'q', ...sizes },
      { kind: 'delay', name: 'd', size: 6, steps: 1 },
      { kind: 'lnlstm', name: 'n', ...sizes, epsilon: 1e-5 },
      { kind: 'lngru', name: 'm', ...sizes, blocks: 3, epsilon: 1e-5 },
      { kind: 'lstm', name: 'p', ...sizes, blocks: 1, projectionSize: 2 },
      { kind: 'elman', name: 'e', inputSize: 2, hiddenSize: 6, blocks: 1, zoneout: 0.25, activation: 'tanh' },
    ]);
    expect(layerTensors(checked.at(-2)!)).toEqual({
      'p.weight_ih': [24, 6],
      'p.weight_hh': [24, 2],
      'p.bias_ih': [24],
      'p.bias_hh': [24],
      'p.weight_hr': [2, 6],
    });
    expect(layerTensors(checked[2]!)).toEqual({ 's.weight_ih': [18, 6], 's.weight_c': [12], 's.bias': [12] });
  });

  test('has names that mean something to JavaScript', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'a.weight_ih', ' ', '\u0000'])
      expect(checkSpec(stack({ ...lstm, name })).layers[0]!.name).toBe(name);
  });
});

describe('a graph', () => {
  const input = { kind: 'linear', name: 'in', inputSize: 3, outputSize: 4 };
  const twice = { kind: 'linear', name: 'both', inputs: ['in', 'input'], inputSize: 7, outputSize: 4 };
  const sum = { kind: 'combine', name: 'sum', combine: 'add', inputs: ['in', 'both'] };

  test('says what its layers read, and only where it is not the layer before', () => {
    const { layers } = checkSpec(
      stack(
        input,
        { ...linear, inputSize: 4, outputSize: 4, inputs: ['in'] },
        { ...sum, inputs: ['in', 'out'] },
      ),
    );
    expect(layers.map(({ inputs }) => inputs)).toEqual([undefined, undefined, ['in', 'out']]);
    expect(checkSpec(stack(input, twice, sum)).layers[1]).toEqual({ ...twice, bias: true });
  });

  test.each([
    ['a layer that comes later', stack({ ...input, inputs: ['sum'] }, twice, sum), range],
    ['itself', stack(input, { ...twice, inputs: ['both'] }), range],
    ['nothing', stack(input, { ...twice, inputs: [] }), type],
    ['a number', stack(input, { ...twice, inputs: [0] }), type],
    ['another width', stack(input, { ...twice, inputSize: 4 }), range],
    ['one thing, combined', stack(input, { ...sum, inputs: ['in'] }), range],
    ['widths that differ, combined', stack(input, { ...sum, inputs: ['in', 'input'] }), range],
    ['ids as floats', stack(embedding, { ...linear, inputSize: 4, inputs: ['input'] }), range],
    ['not what is there', stack(input, { ...twice, inputs: ['input'], inputSize: 3 }), range],
  ])('is refused that reads %s', (_, spec, expected) => {
    expect(() => checkSpec(spec)).toThrow(expect.objectContaining(expected));
  });

  test.each([
    ['direction', { ...lstm, direction: 'backward' }],
    ['clip', { ...lstm, clip: 0 }],
    ['activations[1]', { ...lstm, activations: ['sigmoid', 'softmax', 'tanh'] }],
    ['projectionSize', { ...lstm, blocks: 1, projectionSize: 6 }],
    ['projectionSize', { ...lstm, projectionSize: 3 }],
    ['zoneout', { ...lstm, zoneout: 1.5 }],
    ['zoneoutCell', { ...lstm, zoneoutCell: -0.5 }],
    ['blocks', { ...lstm, kind: 'slstm', blocks: 4 }],
    ['inputBlocks', { ...lstm, inputBlocks: 3 }],
    ['inputBlocks', { ...lstm, kind: 'gru', inputBlocks: 4 }],
    ['inputBlocks', { kind: 'qrnn', name: 'q', inputSize: 4, hiddenSize: 6, inputBlocks: 0 }],
    ['blocks', { ...lstm, kind: 'lngru', blocks: 4 }],
    ['epsilon', { ...lstm, kind: 'lngru', epsilon: 0 }],
    ['scale', { kind: 'sru', name: 's', inputSize: 4, hiddenSize: 6, scale: 2 }],
    ['hiddenSize', { kind: 'qrnn', name: 'q', inputSize: 4 }],
    ['width', { kind: 'conv', name: 'c', size: 6, width: 1 }],
    ['width', { kind: 'conv', name: 'c', size: 6, width: 65 }],
    ['steps', { kind: 'delay', name: 'd', size: 6, steps: 0 }],
    ['epsilon', { kind: 'norm', name: 'n', size: 6, epsilon: -1 }],
    ['groups', { kind: 'norm', name: 'n', size: 6, groups: 4 }],
    ['to', { kind: 'slice', name: 's', inputSize: 6, from: 3, to: 3 }],
  ])('names the field %s', (field, layer) => {
    expect(() => checkSpec(stack(layer))).toThrow(`layer 0 (${layer.name}): ${field}`);
  });
});
