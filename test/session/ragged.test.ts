import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeOnnx } from '#dist/formats/onnx/write.js';
import { checkSpec } from '#dist/model/check.js';
import type { Direction, LstmSpec } from '#dist/model/spec.js';
import { availableKernels, createModel, encodeModel, loadModel, type ModelSpec } from '#dist/node.js';
import { runOnnxNode } from '../onnx/runtime.js';
import { cellKinds, raggedLayer, type Scene, scene } from '../oracle/arbitraries.js';
import { expandToDense } from '../oracle/dense.js';
import { runOracle } from '../oracle/model.js';
import { findExcess } from '../oracle/tolerance.js';
import { draw, errorFrom, expectSameBytes, expectSameRun, expectSameState, sceneOf } from './draw.js';

const kinds = [...cellKinds, 'slstm'] as const;
type Name = 'h' | 'c' | 'n' | 'm';

/** Which blocks update in which steps. */
function masksOf(layer: LstmSpec, steps: number): Record<string, Uint8Array> {
  const count = layer.blockSizes!.length;
  const mask = Uint8Array.from({ length: steps * count }, (_, k) => ((k * k) % 7 < 4 ? 1 : 0));
  return { [layer.name]: mask };
}

describe.each(availableKernels())('%s', (kernels) => {
  test.each(kinds)('%s lies within the bound of the oracle, and a run is its steps', async (kind) => {
    await fc.assert(
      fc.asyncProperty(raggedLayer(kind), scene(), fc.boolean(), async (layer, given, isMasked) => {
        const spec: ModelSpec = { layers: [layer] };
        const { tensors, x, options } = draw(spec, given);
        const { steps } = options;
        const masks = masksOf(layer as LstmSpec, steps);
        const updates = isMasked ? { updates: masks } : {};
        const expected = runOracle(spec, tensors, x, { ...options, ...updates });
        using model = await createModel(spec, tensors, { kernels });
        const whole = await model.run(x, { ...options, ...updates });
        expect(findExcess(whole.y, expected.y, expected.bound)).toBeNull();
        for (const [name, values] of Object.entries(expected.state[0]!) as [Name, Float64Array][])
          expect(findExcess(whole.state[0]![name]!, values, expected.stateBound[0]![name]!)).toBeNull();
        if (given.lengths !== null) return;
        const session = model.session(options);
        for (let t = 0; t < steps; t++) {
          const part = <T extends { length: number; slice(from: number, to: number): T }>(values: T) =>
            values.slice((t * values.length) / steps, ((t + 1) * values.length) / steps);
          if (isMasked) session.updates(layer.name).set(part(masks[layer.name]!));
          expectSameBytes(session.step(part(x)), part(whole.y));
        }
        expectSameState(session.snapshot(), whole.state);
      }),
      { numRuns: 60 },
    );
  });

  test.each<[string, number[]]>([
    ['one large, many small', [61, 3, 3, 3, 5, 1, 1, 1, 1]],
    ['fewer than workers', [40, 17]],
    ['falling', [33, 16, 9, 8, 5, 4, 3, 2, 1]],
    ['single units at both ends', [...new Array<number>(40).fill(1), 7, 7, ...new Array<number>(35).fill(1)]],
  ])('any number of workers gives the same bytes: %s', async (_, blockSizes) => {
    const hiddenSize = blockSizes.reduce((a, b) => a + b);
    const shared = { hiddenSize, blockSizes };
    const spec: ModelSpec = {
      layers: [
        { kind: 'lstm', name: 'a', inputSize: 7, ...shared },
        { kind: 'gru', name: 'b', inputSize: hiddenSize, ...shared },
        { kind: 'gru', name: 'c', inputSize: hiddenSize, ...shared, resetAfter: false },
        { kind: 'elman', name: 'd', inputSize: hiddenSize, ...shared },
        { kind: 'slstm', name: 'e', inputSize: hiddenSize, ...shared },
      ],
    };
    const scenes: Partial<Scene>[] = [
      { steps: 70, batch: 67, withState: true, seed: 5 },
      { steps: 33, batch: 5, lengths: Int32Array.of(33, 0, 17, 1, 32), seed: 6 },
      { steps: 50, withState: true, seed: 7 },
    ];
    const runs = scenes.map((given) => draw(spec, sceneOf(given)));
    const { tensors } = runs[0]!;
    using solo = await createModel(spec, tensors, { kernels });
    const masks = { ...masksOf(spec.layers[0] as LstmSpec, 50), ...masksOf(spec.layers[4] as LstmSpec, 50) };
    const last = { ...runs[2]!, options: { ...runs[2]!.options, updates: masks } };
    const all = [...runs, last];
    const expected = [];
    for (const { x, options } of all) expected.push(await solo.run(x, options));
    for (const threads of [2, 3, 5]) {
      using crew = await createModel(spec, tensors, { kernels, threads });
      for (const [k, { x, options }] of all.entries())
        expectSameRun(await crew.run(x, options), expected[k]!);
    }
    const { x, options } = runs[0]!;
    const session = solo.session(options);
    const width = expected[0]!.y.length / 70;
    for (let t = 0; t < 70; t++) {
      const y = session.step(x.slice((t * x.length) / 70, ((t + 1) * x.length) / 70));
      expectSameBytes(y, expected[0]!.y.subarray(t * width, (t + 1) * width));
    }
    expectSameState(session.snapshot(), expected[0]!.state);
  });

  test.each<Direction>(['reverse', 'bidirectional'])(
    '%s, between others that read and are read',
    async (direction) => {
      const layer: LstmSpec = {
        kind: 'lstm',
        name: 'a',
        inputSize: 5,
        hiddenSize: 13,
        blockSizes: [4, 4, 3, 1, 1],
      };
      const width = direction === 'bidirectional' ? 26 : 13;
      const spec: ModelSpec = {
        layers: [
          { kind: 'linear', name: 'in', inputSize: 3, outputSize: 5 },
          { ...layer, direction },
          { kind: 'gru', name: 'b', inputSize: 5 + width, hiddenSize: 6, blocks: 2, inputs: ['in', 'a'] },
        ],
      };
      const { tensors, x, options } = draw(
        spec,
        sceneOf({ steps: 9, batch: 3, withState: true, lengths: Int32Array.of(9, 4, 0) }),
      );
      const expected = runOracle(spec, tensors, x, options);
      using model = await createModel(spec, tensors, { kernels });
      const whole = await model.run(x, options);
      expect(findExcess(whole.y, expected.y, expected.bound)).toBeNull();
      for (const [k, { h, c }] of expected.state.entries()) {
        expect(findExcess(whole.state[k]!.h, h, expected.stateBound[k]!.h)).toBeNull();
        if (c) expect(findExcess(whole.state[k]!.c!, c, expected.stateBound[k]!.c!)).toBeNull();
      }
      using crew = await createModel(spec, tensors, { kernels, threads: 3 });
      expectSameRun(await crew.run(x, options), whole);
    },
  );
});

const ragged: ModelSpec = {
  layers: [{ kind: 'lstm', name: 'a', inputSize: 4, hiddenSize: 9, blockSizes: [5, 1, 3] }],
};

test('it is the dense layer with zeros off its blocks, whatever stands behind a short row', async () => {
  const { tensors, x, options } = draw(ragged, sceneOf({ steps: 5, batch: 2 }));
  const { bound, y } = runOracle(ragged, tensors, x, options);
  const dense = expandToDense(ragged, tensors);
  const same = runOracle(dense.spec, dense.tensors, x, options);
  expect(findExcess(same.y, y, bound)).toBeNull();
  using model = await createModel(ragged, tensors);
  const whole = await model.run(x, options);
  const { data } = tensors['a.weight_hh']!;
  for (let row = 0; row < 36; row++)
    if (row % 9 >= 5) data.fill(Number.NaN, row * 5 + (row % 9 === 5 ? 1 : 3), row * 5 + 5);
  using other = await createModel(ragged, tensors);
  expectSameRun(await other.run(x, options), whole);
});

test('files keep the sizes, and ONNX files have the dense matrix', async () => {
  const { tensors, x, options } = draw(ragged, sceneOf({ steps: 5, batch: 2 }));
  using model = await createModel(ragged, tensors);
  const whole = await model.run(x, options);
  using loaded = await loadModel(encodeModel({ spec: ragged, tensors }));
  expect(loaded.spec).toEqual(ragged);
  expectSameRun(await loaded.run(x, options), whole);
  const bytes = encodeOnnx({ spec: checkSpec(ragged), tensors });
  const theirs = await runOnnxNode(bytes, ragged, { x: x as Float32Array, ...options });
  const { bound } = runOracle(ragged, tensors, x, options);
  const twice = bound.map((value) => 2 * value);
  expect(findExcess(whole.y, theirs.y, twice)).toBeNull();
});

test('sizes are checked, and equal ones are blocks', async () => {
  const [layer] = ragged.layers as [LstmSpec];
  const check = (fields: object) => () => checkSpec({ layers: [{ ...layer, ...fields }] });
  expect(check({ blockSizes: [3, 3, 3] })().layers[0]).toMatchObject({ blocks: 3 });
  expect(check({ blockSizes: [3, 3, 3] })().layers[0]).not.toHaveProperty('blockSizes');
  expect(check({})().layers[0]).not.toHaveProperty('blocks');
  expect(check({ blockSizes: 9 })).toThrow(TypeError);
  expect(check({ blockSizes: ['9'] })).toThrow(TypeError);
  for (const blockSizes of [[], [5, 4, 0], [5, 5], [8.5, 0.5], [10], new Array(1001).fill(1)])
    expect(check({ blockSizes })).toThrow(RangeError);
  expect(check({ blocks: 3 })).toThrow(/in place of blocks/);
  expect(check({ projectionSize: 4 })).toThrow(/blockSizes are given/);
  expect(check({ strips: { shape: '4x4', count: 1 } })).toThrow(RangeError);
  const normed = { kind: 'lnlstm', name: 'a', inputSize: 4, hiddenSize: 9, blockSizes: [5, 4] };
  expect(() => checkSpec({ layers: [normed] })).toThrow(
    expect.objectContaining({ code: 'ERR_UNSUPPORTED', feature: 'layer blockSizes' }),
  );
  const tensors = draw(ragged, sceneOf()).tensors;
  const narrow = { ...tensors, 'a.weight_hh': { shape: [36, 3], data: new Float32Array(108) } };
  expect(await errorFrom(createModel(ragged, narrow))).toMatchObject({ code: 'ERR_MISMATCH' });
});

test('a thousand sizes run', async () => {
  const blockSizes = Array.from({ length: 1000 }, (_, n) => 1 + (n % 2));
  const spec: ModelSpec = {
    layers: [{ kind: 'gru', name: 'a', inputSize: 3, hiddenSize: 1500, blockSizes }],
  };
  const { tensors, x, options } = draw(spec, sceneOf({ steps: 2, batch: 2 }));
  using model = await createModel(spec, tensors);
  const { y } = await model.run(x, options);
  const expected = runOracle(spec, tensors, x, options);
  expect(findExcess(y, expected.y, expected.bound)).toBeNull();
});
