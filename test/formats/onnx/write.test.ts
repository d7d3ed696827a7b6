import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { readOnnx } from '#dist/formats/onnx/onnx.js';
import { encodeOnnx } from '#dist/formats/onnx/write.js';
import { checkSpec } from '#dist/model/check.js';
import type { LayerSpec, ModelSpec } from '#dist/model/spec.js';
import { createModel } from '#dist/node.js';
import { evaluate } from '../../onnx/evaluate.js';
import { openOnnxNode, runOnnxNode } from '../../onnx/runtime.js';
import { runOracle } from '../../oracle/model.js';
import { randomInput, randomModel } from '../../oracle/random.js';
import { findExcess } from '../../oracle/tolerance.js';
import { draw, layerOf, sceneOf } from '../../session/draw.js';
import { structures } from '../../session/structures.js';
import { errorOf } from '../bytes.js';

const twice = (bound: Float64Array) => bound.map((value) => 2 * value);

describe('a stack', () => {
  test.each(Object.entries(structures))('%s: onnxruntime gives the same', async (_, spec) => {
    const { tensors, x, options } = draw(spec, sceneOf({ steps: 4, batch: 3, withState: true }));
    const bytes = encodeOnnx({ spec, tensors });
    const { bound, stateBound } = runOracle(spec, tensors, x, options);
    using model = await createModel(spec, tensors);
    const ours = await model.run(x, options);
    const theirs = await runOnnxNode(bytes, spec, { x, ...options });
    expect(findExcess(ours.y, theirs.y, twice(bound))).toBeNull();
    for (const [k, { h, c }] of theirs.state.entries()) {
      expect(findExcess(ours.state[k]!.h, h, twice(stateBound[k]!.h))).toBeNull();
      if (c) expect(findExcess(ours.state[k]!.c!, c, twice(stateBound[k]!.c!))).toBeNull();
    }
  });

  test.each(Object.entries(structures))('%s: it is read as it was', (_, given) => {
    const spec = checkSpec(given);
    const { tensors } = draw(spec, sceneOf());
    const { file, names } = readOnnx(encodeOnnx({ spec, tensors }));
    expect(file).toEqual({ spec, tensors });
    expect(names).toMatchObject({ input: 'x', output: 'y' });
    expect(names.stateInputs.slice(0, 2)).toEqual(['h0.0', expect.stringMatching(/^[hc]0/)]);
  });

  test('a vocabulary comes along, and a broken one is refused', () => {
    const spec = checkSpec({
      layers: [
        { kind: 'embedding', name: 'e', count: 3, size: 2 },
        { kind: 'lstm', name: 'l', inputSize: 2, hiddenSize: 2 },
      ],
    });
    const { tensors } = draw(spec, sceneOf());
    const bytes = encodeOnnx({ spec, tensors, vocab: [97, 98, 10] });
    expect(readOnnx(bytes).file).toEqual({ spec, tensors, vocab: [97, 98, 10] });
    expect(readOnnx(bytes, { vocab: [1, 2, 3] }).file.vocab).toEqual([1, 2, 3]);
    const at = Buffer.from(bytes).lastIndexOf('97,98');
    bytes[at] = 'x'.charCodeAt(0);
    expect(errorOf(() => readOnnx(bytes))).toMatchObject({ name: 'FormatError' });
  });

  test('names that are the graph’s own, or parts of each other', () => {
    const names = ['x', 'y', 'h0.0', 'x/0', 'x/0/Y', 'integers.1', 'x/out', 'ü'];
    const spec = checkSpec({ layers: names.map((name, k) => layerOf('gruAfter', name, 4, 4, 1 + (k % 2))) });
    const { tensors } = draw(spec, sceneOf());
    expect(readOnnx(encodeOnnx({ spec, tensors })).file).toEqual({ spec, tensors });
  });
});

/** What only a graph can say: every kind of layer, every function and every field of the cells. */
const graphs: Record<string, ModelSpec> = {
  'skips and joined inputs': {
    layers: [
      { kind: 'linear', name: 'in', inputSize: 5, outputSize: 6 },
      { kind: 'lstm', name: 'a', inputSize: 11, hiddenSize: 6, blocks: 2, inputs: ['in', 'input'] },
      { kind: 'combine', name: 'add', combine: 'add', inputs: ['a', 'in', 'a'] },
      { kind: 'combine', name: 'subtract', combine: 'subtract', inputs: ['add', 'a', 'in'] },
      { kind: 'gru', name: 'b', inputSize: 6, hiddenSize: 6, resetAfter: false },
      { kind: 'combine', name: 'multiply', combine: 'multiply', inputs: ['subtract', 'b'] },
      { kind: 'activation', name: 'positive', activation: 'softplus', inputs: ['in'] },
      { kind: 'combine', name: 'divide', combine: 'divide', inputs: ['multiply', 'positive'] },
      { kind: 'slice', name: 'part', inputSize: 11, from: 4, to: 9, inputs: ['divide', 'input'] },
      { kind: 'linear', name: 'out', inputSize: 5, outputSize: 3, bias: false },
    ],
  },
  norms: {
    layers: [
      { kind: 'scale', name: 'scale', size: 12 },
      { kind: 'norm', name: 'layer', size: 12, epsilon: 0.01 },
      { kind: 'lstm', name: 'a', inputSize: 12, hiddenSize: 12 },
      { kind: 'norm', name: 'groups', size: 12, groups: 3 },
      { kind: 'norm', name: 'rms', size: 12, norm: 'rms' },
      { kind: 'norm', name: 'rms groups', size: 12, norm: 'rms', groups: 4, epsilon: 0.1 },
    ],
  },
  functions: {
    layers: [
      { kind: 'linear', name: 'in', inputSize: 3, outputSize: 7 },
      { kind: 'activation', name: 'softsign', activation: 'softsign' },
      { kind: 'activation', name: 'affine', activation: 'affine', alpha: 3, beta: -0.25 },
      { kind: 'activation', name: 'silu', activation: 'silu' },
      { kind: 'activation', name: 'leaky', activation: 'leakyRelu', alpha: 0.3 },
      { kind: 'activation', name: 'tanh', activation: 'scaledTanh', alpha: 1.7, beta: 0.6 },
      { kind: 'activation', name: 'elu', activation: 'elu', alpha: 0.9 },
      { kind: 'activation', name: 'softplus', activation: 'softplus' },
      { kind: 'activation', name: 'threshold', activation: 'thresholdedRelu', alpha: 0.2 },
      { kind: 'activation', name: 'hard', activation: 'hardSigmoid', alpha: 0.5, beta: 0.1 },
      { kind: 'activation', name: 'log', activation: 'logSoftmax' },
    ],
  },
  directions: {
    layers: [
      { kind: 'gru', name: 'a', inputSize: 3, hiddenSize: 4, direction: 'bidirectional', blocks: 2 },
      { kind: 'lstm', name: 'b', inputSize: 8, hiddenSize: 5, direction: 'reverse' },
      { kind: 'lstm', name: 'c', inputSize: 5, hiddenSize: 5, direction: 'bidirectional', peepholes: true },
      {
        kind: 'elman',
        name: 'd',
        inputSize: 10,
        hiddenSize: 2,
        direction: 'bidirectional',
        activation: 'relu',
      },
    ],
  },
  'what cells can': {
    layers: [
      { kind: 'lstm', name: 'peepholes', inputSize: 3, hiddenSize: 6, blocks: 3, peepholes: true, clip: 0.5 },
      { kind: 'lstm', name: 'coupled', inputSize: 6, hiddenSize: 4, coupled: true },
      {
        ...{ kind: 'lstm', name: 'functions', inputSize: 4, hiddenSize: 4, direction: 'bidirectional' },
        activations: ['hardSigmoid', { function: 'scaledTanh', alpha: 1.5 }, 'softsign'],
      },
      {
        ...{ kind: 'gru', name: 'gru', inputSize: 8, hiddenSize: 4, resetAfter: false },
        activations: [
          { function: 'hardSigmoid', beta: 0.4 },
          { function: 'leakyRelu', alpha: 0.1 },
        ],
      },
      {
        ...{ kind: 'elman', name: 'elman', inputSize: 4, hiddenSize: 3, clip: 1 },
        activation: { function: 'affine', alpha: 0.5, beta: 0.25 },
      },
    ],
  } as ModelSpec,
};

describe('a graph', () => {
  test.each(Object.entries(graphs))('%s: onnxruntime gives the same', async (_, given) => {
    const spec = checkSpec(given);
    const random = seededRandom(5);
    const tensors = randomModel(random, spec);
    const size = { steps: 5, batch: 3 };
    const x = randomInput(random, spec, size);
    const session = await openOnnxNode(encodeOnnx({ spec, tensors }));
    const feeds: Record<string, ort.Tensor> = {
      x: new ort.Tensor('float32', x as Float32Array, [size.steps, size.batch, x.length / 15]),
    };
    for (const name of session.inputNames) {
      if (name === 'x') continue;
      const info = session.inputMetadata.find((one) => one.name === name);
      const { shape } = info as ort.InferenceSession.TensorValueMetadata;
      const dims = shape.map((one) => (typeof one === 'number' ? one : size.batch));
      feeds[name] = new ort.Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b)), dims);
    }
    const y = (await session.run(feeds)).y!.data as Float32Array;
    const { y: expected, bound } = evaluate(spec, tensors, x, size);
    expect(findExcess(y, expected, bound)).toBeNull();
    using model = await createModel(spec, tensors);
    expect(findExcess((await model.run(x, size)).y, expected, bound)).toBeNull();
    await session.release();
  });

  test.each(Object.entries(graphs))('%s: it is read as it was', (_, given) => {
    const spec = checkSpec(given);
    const tensors = randomModel(seededRandom(6), spec);
    expect(readOnnx(encodeOnnx({ spec, tensors })).file).toEqual({ spec, tensors });
  });

  test.each<LayerSpec>([
    { kind: 'lstm', name: 'l', inputSize: 2, hiddenSize: 4, projectionSize: 2 },
    { kind: 'lstm', name: 'l', inputSize: 2, hiddenSize: 4, zoneoutCell: 0.1 },
    { kind: 'gru', name: 'l', inputSize: 2, hiddenSize: 4, zoneout: 0.1 },
    { kind: 'slstm', name: 'l', inputSize: 2, hiddenSize: 4 },
    { kind: 'conv', name: 'l', size: 2, width: 3 },
  ])('what ONNX has no operator for is refused: $kind', (layer) => {
    const spec = checkSpec({ layers: [layer] });
    const tensors = randomModel(seededRandom(1), spec);
    expect(errorOf(() => encodeOnnx({ spec, tensors }))).toMatchObject({
      name: 'UnsupportedError',
      feature: expect.stringMatching(/^onnx (projectionSize|zoneout|zoneoutCell|kind slstm|kind conv)$/),
    });
  });

  test('a function that no cell of ONNX has is refused', () => {
    const spec = checkSpec({
      layers: [{ kind: 'elman', name: 'e', inputSize: 1, hiddenSize: 1, activation: 'silu' }],
    });
    const tensors = randomModel(seededRandom(1), spec);
    expect(errorOf(() => encodeOnnx({ spec, tensors }))).toMatchObject({
      feature: 'onnx cell function silu',
    });
  });
});
