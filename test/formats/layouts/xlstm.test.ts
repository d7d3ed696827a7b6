import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeXlstm, planXlstm, type XlstmOptions } from '#dist/formats/layouts/xlstm.js';
import type { Tensor, Tensors } from '#dist/model/tensors.js';
import { errorOf } from '../bytes.js';
import { walk } from './walk.js';

type Backend = 'vanilla' | 'cuda';
const made = JSON.parse(readFileSync(new URL('xlstm.json', import.meta.url), 'utf8')) as {
  ids: number[];
  logits: number[];
  tensors: Record<Backend, Record<string, { shape: number[]; data: number[] }>>;
};

const weightsOf = (backend: Backend): Tensors =>
  Object.fromEntries(
    Object.entries(made.tensors[backend]).map(([name, { shape, data }]) => [
      name,
      { shape: [...shape], data: Float32Array.from(data) },
    ]),
  );
const swish: XlstmOptions = { activation: 'swish' };
/** The layers that tensors make, as a model. */
const modelOf = (arrays: Tensors, options: XlstmOptions = swish) => {
  const { layers, tensors } = planXlstm(arrays, options);
  return { spec: { layers }, tensors };
};
const block = 'xlstm_block_stack.blocks.0.';
/** Tensors under a prefix, without it. */
const under = (prefix: string, arrays = weightsOf('vanilla')): Tensors =>
  Object.fromEntries(
    Object.entries(arrays).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  );

test.each<Backend>(['vanilla', 'cuda'])('what the equations make of ids, backend %s', (backend) => {
  const found = walk(modelOf(weightsOf(backend)), made.ids, made.ids.length).flat();
  // Norms are stored less one; one plus a multiple of 2^-10 is exact in f32, so only sums in f64 differ.
  for (const [i, value] of found.entries()) expect(Math.abs(value - made.logits[i]!)).toBeLessThan(1e-13);
});

test('both backends give the same model', () => {
  expect(modelOf(weightsOf('cuda'))).toEqual(modelOf(weightsOf('vanilla')));
});

describe('parts of a model', () => {
  const inputs = Array.from({ length: 30 }, (_, i) => Math.sin(i));

  test('a block and its stack', () => {
    const stack = walk(modelOf(under('xlstm_block_stack.blocks.', under('', weightsOf('cuda')))), inputs, 5);
    const first = walk(modelOf(under(block)), inputs, 5);
    const both = walk(modelOf(under('xlstm_block_stack.blocks.1.')), first.flat(), 5);
    for (const [t, row] of stack.entries())
      for (const [k, value] of row.entries()) expect(value).toBeCloseTo(both[t]![k]!, 12);
  });

  test('a layer alone, without a convolution or a norm of its own', () => {
    const layer = under(`${block}xlstm.`);
    const weights: Tensors = { ...layer };
    for (const name of ['conv1d.conv.weight', 'conv1d.conv.bias', 'group_norm.weight']) delete weights[name];
    const { layers, tensors } = planXlstm(weights);
    expect(layers.map(({ kind }) => kind)).toEqual(['slstm', 'norm']);
    expect(tensors['slstm_cell.weight_ih']!.shape).toEqual([24, 6]);
    expect(tensors['group_norm.weight']!.data).toEqual(new Float32Array(6).fill(1));
    // The module named fgate feeds the input gate.
    const fgate = layer['fgate.weight']!.data;
    expect([...tensors['slstm_cell.weight_ih']!.data.subarray(0, 6)]).toEqual([
      ...fgate.subarray(0, 3),
      0,
      0,
      0,
    ]);
    expect(walk(modelOf(weights), inputs, 5)).toHaveLength(5);
  });

  test('a convolution over one step', () => {
    const weights = under(`${block}xlstm.`);
    weights['conv1d.conv.weight'] = { shape: [6, 1, 1], data: new Float32Array(6).fill(1) };
    expect(planXlstm(weights).layers[0]).toMatchObject({ kind: 'scale', size: 6 });
  });

  test('the LSTM of the package', () => {
    const model = decodeXlstm(under(`${block}xlstm.`, without('conv1d')), { cell: 'lstm' });
    expect(model.spec.layers).toMatchObject([
      { kind: 'lstm', blocks: 2 },
      { kind: 'norm', groups: 2 },
    ]);
  });
});

test.each(['gelu', 'relu', 'sigmoid', 'relu^2'])('a feedforward with %s', (activation) => {
  expect(
    walk(modelOf(weightsOf('cuda'), { activation }), made.ids, made.ids.length)
      .flat()
      .every(Number.isFinite),
  ).toBe(true);
});

function without(...parts: string[]): Tensors {
  return Object.fromEntries(
    Object.entries(weightsOf('vanilla')).filter(([name]) => !parts.some((part) => name.includes(part))),
  );
}
const tensor = (...shape: number[]): Tensor => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});
const all = weightsOf('vanilla');
const cell = `${block}xlstm.slstm_cell.`;
test.each<[string, Tensors, XlstmOptions, string, RegExp]>([
  ['no activation', all, {}, 'ERR_UNSUPPORTED', /not said in the file\. The option activation/],
  ['another activation', all, { activation: 'selu' }, 'ERR_UNSUPPORTED', /act_fn "selu" is not done/],
  ['another cell', all, { cell: 'gru' }, 'ERR_ARGUMENT_RANGE', /cell must be one of slstm, lstm/],
  [
    'an mLSTM',
    { ...all, 'blocks.2.xlstm.mlstm_cell.igate.weight': tensor(2, 2) },
    swish,
    'ERR_UNSUPPORTED',
    /is of an mLSTM/,
  ],
  ['a cell alone', under(cell), {}, 'ERR_UNSUPPORTED', /of a cell alone/],
  ['a block that is missing', under('', without('blocks.0.')), swish, 'ERR_MISMATCH', /none is in block 0/],
  [
    'a kernel of neither backend',
    { ...all, [`${cell}_recurrent_kernel_`]: tensor(2, 6, 6) },
    swish,
    'ERR_MISMATCH',
    /\[N, 4·D, D\]/,
  ],
  [
    'a kernel of other heads',
    { ...all, [`${cell}_recurrent_kernel_`]: tensor(3, 8, 2) },
    swish,
    'ERR_MISMATCH',
    /implies \[3, 2, 2\]/,
  ],
  [
    'a bias of another size',
    { ...all, [`${cell}_bias_`]: tensor(6) },
    swish,
    'ERR_MISMATCH',
    /implies \[24\]/,
  ],
  ['no zgate', without('zgate'), swish, 'ERR_MISMATCH', /zgate\.weight" is missing/],
  [
    'something else',
    { ...all, 'lm_head.bias': tensor(5) },
    swish,
    'ERR_MISMATCH',
    /no layer uses these tensors: "lm_head.bias"/,
  ],
  ['nothing', {}, swish, 'ERR_MISMATCH', /no sLSTM among/],
])('%s is an error', (_, weights, options, code, message) => {
  const error = errorOf(() => decodeXlstm(weights, options));
  expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
});

test('mutated names and shapes give layers or one of the errors', () => {
  const names = Object.keys(all);
  const sizes = fc.array(fc.integer({ min: 0, max: 24 }), { maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.constantFrom(...names, ''), sizes, (name, other, shape) => {
      const arrays = { ...all };
      if (other === '') delete arrays[name];
      else arrays[name] = shape.length > 0 ? tensor(...shape) : arrays[other]!;
      try {
        decodeXlstm(arrays, swish);
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_(?:MISMATCH|UNSUPPORTED)$/) });
      }
    }),
    { numRuns: 300 },
  );
});
