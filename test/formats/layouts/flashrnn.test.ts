import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeFlashrnn, type FlashrnnOptions } from '#dist/formats/layouts/flashrnn.js';
import type { Tensor, Tensors } from '#dist/model/tensors.js';
import { availableKernels, createModel } from '#dist/node.js';
import { errorOf } from '../bytes.js';
import { flashrnnModels, flashrnnWeights } from './flashrnn-models.js';
import { walk } from './walk.js';

const names = ['lstm', 'gru', 'elman'] as const;
const steps = 6;

const told = (name: string): FlashrnnOptions => (name === 'lstm' ? { cell: name } : {});

describe.each(names)('what FlashRNN makes of an input: %s', (name) => {
  const { x, y } = flashrnnModels[name]!;
  const worst = (file: ReturnType<typeof decodeFlashrnn>) =>
    Math.max(
      ...walk(file, x.data, steps)
        .flat()
        .map((value, i) => Math.abs(value - y.data[i]!)),
    );

  test.each([
    ['GHDP', 'GHD'],
    ['HGDP', 'HGD'],
    ['HPGD', 'HGD'],
    ['HPDG', 'HDG'],
    ['HDGP', 'HDG'],
    ['HPGD', 'GHD'],
  ])('R as %s, b as %s', (order, biasOrder) => {
    const file = decodeFlashrnn(flashrnnWeights(name, order, biasOrder), {
      ...told(name),
      order: `${order},${biasOrder}`,
    });
    expect(file.spec.layers).toMatchObject([{ kind: name, blocks: 2, hiddenSize: 6, inputSize: 3 }]);
    // The weights are multiples of 2^-10, so only the f64 sums differ.
    expect(worst(file)).toBeLessThan(1e-14);
  });

  test('W as the matrix of a Linear, its bias beside b, and no b', () => {
    const { R, W, b } = flashrnnWeights(name);
    const matrix = { shape: [W!.data.length / 3, 3], data: W!.data };
    expect(worst(decodeFlashrnn({ R: R!, 'W.weight': matrix, b: b! }, told(name)))).toBeLessThan(1e-14);
    const gates = R!.shape[0]!;
    if (gates === 3) return;
    const bias = { shape: [6 * gates], data: b!.data };
    expect(worst(decodeFlashrnn({ R: R!, W: matrix, 'W.bias': bias }, told(name)))).toBeLessThan(1e-14);
  });

  test.each(availableKernels())('run by %s', async (kernels) => {
    const { spec, tensors } = decodeFlashrnn(flashrnnWeights(name), told(name));
    const model = await createModel(spec, tensors, { kernels });
    const found = await model.run(Float32Array.from(x.data), { steps });
    for (const [i, value] of found.y.entries()) expect(Math.abs(value - y.data[i]!)).toBeLessThan(2e-6);
    model.dispose();
  });
});

test('layers between an embedding and a head, by their numbers', () => {
  const square = (name: string, prefix: string) => {
    const weights = flashrnnWeights(name, 'GHDP', 'GHD', prefix);
    const gates = weights[`${prefix}W`]!.shape[0]!;
    weights[`${prefix}W`] = { shape: [gates * 6, 6], data: new Float32Array(gates * 36).fill(0.1) };
    return weights;
  };
  const file = decodeFlashrnn({
    ...square('elman', 'layers.1.'),
    ...square('gru', 'layers.0.'),
    'embedding.weight': { shape: [5, 6], data: new Float32Array(30) },
    'head.weight': { shape: [5, 6], data: new Float32Array(30) },
    'head.bias': { shape: [5], data: new Float32Array(5) },
  });
  expect(file.spec.layers.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'embedding embedding',
    'gru layers.0',
    'elman layers.1',
    'linear head',
  ]);
});

const tensor = (...shape: number[]): Tensor => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});
const lstm = flashrnnWeights('lstm');
test.each<[string, Tensors, FlashrnnOptions, string, RegExp]>([
  [
    '4 gates of nobody',
    lstm,
    {},
    'ERR_MISMATCH',
    /4 gates, as lstm and slstm have\. Give the option cell: lstm or slstm/,
  ],
  ['a cell of other gates', lstm, { cell: 'gru' }, 'ERR_MISMATCH', /and gru has not/],
  ['no cell', lstm, { cell: 'rwkv' }, 'ERR_ARGUMENT_RANGE', /cell must be one of/],
  ['no order', lstm, { cell: 'lstm', order: 'GGDP' }, 'ERR_ARGUMENT_RANGE', /order must be the axes/],
  [
    'another order',
    lstm,
    { cell: 'lstm', order: 'HPGD' },
    'ERR_MISMATCH',
    /it would have 3 gates, 4 heads and 3 units from 2/,
  ],
  ['no W', { R: lstm.R!, b: lstm.b! }, { cell: 'lstm' }, 'ERR_MISMATCH', /"W" is missing; .* \[24, I\]/],
  [
    'another W',
    { ...lstm, W: tensor(12, 3) },
    { cell: 'lstm' },
    'ERR_MISMATCH',
    /\[12, 3\]; .*implies \[24, I\]/,
  ],
  ['another b', { ...lstm, b: tensor(4, 2, 4) }, { cell: 'lstm' }, 'ERR_MISMATCH', /implies \[4, 2, 3\]/],
  ['R of two axes', { ...lstm, R: tensor(24, 6) }, { cell: 'lstm' }, 'ERR_MISMATCH', /has shape \[24, 6\]/],
  ['two gates', { ...lstm, R: tensor(2, 2, 3, 3) }, {}, 'ERR_MISMATCH', /2 gates/],
  ['nothing', {}, {}, 'ERR_MISMATCH', /no recurrent matrix R/],
  [
    'something else',
    { ...lstm, scale: tensor(6) },
    { cell: 'lstm' },
    'ERR_MISMATCH',
    /no layer uses these tensors: "scale" \[6\]/,
  ],
  [
    'two heads in a row',
    { ...lstm, 'a.weight': tensor(6, 6), 'a.bias': tensor(6), 'b.weight': tensor(2, 6), 'b.bias': tensor(2) },
    { cell: 'lstm' },
    'ERR_MISMATCH',
    /linear layers "a" and "b" follow each other/,
  ],
])('%s is an error', (_, weights, options, code, message) => {
  const error = errorOf(() => decodeFlashrnn(weights, options));
  expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
});

test('mutated shapes give a model or a mismatch', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 5 });
  fc.assert(
    fc.property(fc.constantFrom('R', 'W', 'b', 'W.weight', 'W.bias', 'x.R'), sizes, (name, shape) => {
      try {
        decodeFlashrnn({ ...lstm, [name]: tensor(...shape) }, { cell: 'lstm' });
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_(?:MISMATCH|UNSUPPORTED)$/) });
      }
    }),
    { numRuns: 300 },
  );
});
