import { describe, expect, test } from 'vitest';
import { encodeOnnx } from '#dist/formats/onnx/write.js';
import { checkSpec } from '#dist/model/check.js';
import { needsFamily } from '#dist/model/plain.js';
import type { LayerSpec } from '#dist/model/spec.js';
import { availableKernels, createModel, encodeModel, loadModel, type ModelSpec } from '#dist/node.js';
import { planGraph } from '#dist/pack/graph.js';
import { planProgram } from '#dist/pack/plan.js';
import { runOnnxNode } from '../onnx/runtime.js';
import { runOracle } from '../oracle/model.js';
import { findExcess } from '../oracle/tolerance.js';
import { draw, errorFrom, expectSameBytes, expectSameRun, layerOf, sceneOf } from './draw.js';

const size = 13;
const first: LayerSpec = { kind: 'linear', name: 'first', inputSize: 5, outputSize: size };
const shuffle: LayerSpec = { kind: 'shuffle', name: 'mix', size };
const sizes = { inputSize: size, hiddenSize: 12 };

/** What can read a shuffle, and whether its weights take it in. */
const readers: [string, LayerSpec[], boolean][] = [
  ['a linear layer', [{ kind: 'linear', name: 'out', inputSize: size, outputSize: 9 }], true],
  ['an LSTM in blocks', [layerOf('lstm', 'out', size, 12, 3)], true],
  ['a diagonal GRU', [layerOf('gruBefore', 'out', size, 12, 12)], true],
  ['blocks of different sizes', [{ kind: 'lstm', name: 'out', ...sizes, blockSizes: [5, 5, 1, 1] }], true],
  ['both directions', [{ ...layerOf('elmanTanh', 'out', size, 6, 2), direction: 'bidirectional' }], true],
  ['an LSTM with norms', [{ kind: 'lnlstm', name: 'out', ...sizes }], true],
  ['an SRU, widened', [{ kind: 'sru', name: 'out', ...sizes }], true],
  ['a QRNN', [{ kind: 'qrnn', name: 'out', ...sizes }], true],
  [
    'two layers, one beside others',
    [
      layerOf('gruAfter', 'a', size, 4, 2),
      {
        kind: 'linear',
        name: 'out',
        inputSize: 4 + 3 * size,
        outputSize: 3,
        inputs: ['a', 'mix', 'first', 'mix'],
      },
    ],
    true,
  ],
  ['nobody', [], false],
  [
    'an SRU, which takes it past its cell',
    [{ kind: 'sru', name: 'out', inputSize: size, hiddenSize: size }],
    false,
  ],
  ['an activation', [{ kind: 'activation', name: 'out', activation: 'relu' }], false],
  [
    'a linear layer in blocks',
    [{ kind: 'linear', name: 'out', inputSize: size, outputSize: size, blocks: 13 }],
    false,
  ],
  [
    'an LSTM with blocks of inputs',
    [{ kind: 'lstm', name: 'out', inputSize: size, hiddenSize: 13, inputBlocks: 13 }],
    false,
  ],
  ['a slice', [{ kind: 'slice', name: 'out', inputSize: size, from: 2, to: 9 }], false],
  [
    'two, one of them a sum',
    [
      { kind: 'linear', name: 'a', inputSize: size, outputSize: size },
      { kind: 'combine', name: 'out', combine: 'add', inputs: ['a', 'mix'] },
    ],
    false,
  ],
];

describe.each(availableKernels())('%s: read by', (kernels) => {
  test.each(readers)('%s', async (_, layers, isFolded) => {
    const spec: ModelSpec = { layers: [first, shuffle, ...layers] };
    const { ops } = planProgram(checkSpec(spec), 1, planGraph);
    expect(ops.filter(({ op }) => op === 'shuffle').length).toBe(isFolded ? 0 : 1);
    const given = sceneOf({ steps: 7, batch: 3, withState: true, lengths: Int32Array.of(7, 0, 4), seed: 3 });
    const { tensors, x, options } = draw(spec, given);
    const expected = runOracle(spec, tensors, x, options);
    using model = await createModel(spec, tensors, { kernels });
    const whole = await model.run(x, options);
    expect(findExcess(whole.y, expected.y, expected.bound)).toBeNull();
    for (const threads of [2, 3]) {
      using crew = await createModel(spec, tensors, { kernels, threads });
      expectSameRun(await crew.run(x, options), whole);
    }
    if (layers.some((layer) => 'direction' in layer)) return;
    const { lengths: __, ...even } = options;
    const full = await model.run(x, even);
    const session = model.session(even);
    for (let t = 0; t < 7; t++) {
      const y = session.step(x.slice((t * x.length) / 7, ((t + 1) * x.length) / 7));
      expectSameBytes(y, full.y.slice((t * full.y.length) / 7, ((t + 1) * full.y.length) / 7));
    }
  });
});

const mixed: ModelSpec = {
  layers: [
    layerOf('lstm', 'a', 4, 8, 4),
    { kind: 'shuffle', name: 'mix', size: 8 },
    layerOf('lstm', 'b', 8, 8, 4),
    { kind: 'shuffle', name: 'last', size: 8 },
  ],
};

test('one that its readers take in needs no kernels of the family', () => {
  expect(needsFamily({ layers: mixed.layers.slice(0, 3) })).toBe(false);
  expect(needsFamily(mixed)).toBe(true);
});

test('a model may be one shuffle of its input, and one may follow another', async () => {
  const spec: ModelSpec = { layers: [1, 2].map((k) => ({ kind: 'shuffle', name: `s${k}`, size: 3 })) };
  const tensors = {
    's1.order': { shape: [3], data: Float32Array.of(2, 0, 1) },
    's2.order': { shape: [3], data: Float32Array.of(0, 2, 1) },
  };
  using model = await createModel(spec, tensors);
  expect([...model.session().step(Float32Array.of(10, 20, 30))]).toEqual([30, 20, 10]);
});

test('files keep orders exactly, also those of halves, and ONNX files have them', async () => {
  const wide = 3000;
  const spec: ModelSpec = { layers: [{ kind: 'shuffle', name: 's', size: wide }] };
  const { tensors, x } = draw(spec, sceneOf());
  using model = await createModel(spec, tensors);
  const { y } = await model.run(x);
  using loaded = await loadModel(encodeModel({ spec, tensors }, { dtype: 'f16' }));
  expectSameBytes((await loaded.run(x)).y, y);
  const own = draw(mixed, sceneOf({ steps: 4, batch: 2 }));
  const bytes = encodeOnnx({ spec: checkSpec(mixed), tensors: own.tensors });
  const theirs = await runOnnxNode(bytes, mixed, { x: own.x as Float32Array, ...own.options });
  const expected = runOracle(mixed, own.tensors, own.x, own.options);
  const twice = expected.bound.map((value) => 2 * value);
  expect(findExcess(theirs.y, expected.y, twice)).toBeNull();
});

test('what is no order is refused, whoever reads it', async () => {
  const { tensors } = draw(mixed, sceneOf());
  for (const name of ['mix', 'last']) {
    for (const data of [
      [0, 1, 2, 3, 4, 5, 6, 6],
      [0, 1, 2, 3, 4, 5, 6, 8],
      [0, 1, 2, 3, 4, 5, 6, -1],
      [0, 1, 2, 3, 4, 5, 6, 6.5],
      [0, 1, 2, 3, 4, 5, 6, Number.NaN],
    ]) {
      const wrong = { ...tensors, [`${name}.order`]: { shape: [8], data: Float32Array.from(data) } };
      const error = await errorFrom(createModel(mixed, wrong));
      expect(error).toMatchObject({ code: 'ERR_MISMATCH' });
      expect(error.message).toContain(`"${name}.order": value 7 is`);
      // In a file, which is read piece by piece.
      const bytes = encodeModel({ spec: mixed, tensors });
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const at = placeOf(bytes, `${name}.order`);
      for (const [k, value] of data.entries()) view.setFloat32(at + 4 * k, value, true);
      expect(await errorFrom(loadModel(bytes))).toMatchObject({ code: 'ERR_MISMATCH' });
    }
  }
  expect(() => checkSpec({ layers: [first, { ...shuffle, size: 12 }] })).toThrow(RangeError);
  expect(() => checkSpec({ layers: [{ ...shuffle, size: 0 }] })).toThrow(RangeError);
});

/** The byte at which a tensor begins in a safetensors file. */
function placeOf(bytes: Uint8Array, name: string): number {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  return 8 + length + header[name].data_offsets[0];
}
