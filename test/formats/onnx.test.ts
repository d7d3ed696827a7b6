import { existsSync, readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { encodeF16 } from '#dist/formats/half.js';
import { readOnnx } from '#dist/formats/onnx/onnx.js';
import type { CommonLayerSpec } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { createModel, loadModel, type ModelSpec, readModel } from '#dist/node.js';
import { type Attributes, type Dimension, GraphBuilder } from '../onnx/builder.js';
import { addWeights, buildOnnx } from '../onnx/graph.js';
import {
  bytesField,
  integerField,
  integerFields,
  messageField,
  packedField,
  textField,
} from '../onnx/proto.js';
import { openOnnxNode } from '../onnx/runtime.js';
import { runOracle } from '../oracle/model.js';
import { findExcess } from '../oracle/tolerance.js';
import { draw, expectSameBytes, expectSameRun, layerOf, sceneOf } from '../session/draw.js';
import { structures } from '../session/structures.js';
import { errorOf } from './bytes.js';

/** The one layer of most tests, with a head. */
function small(kind: Parameters<typeof layerOf>[0] = 'lstm'): ModelSpec {
  return {
    layers: [layerOf(kind, 'rnn', 3, 5), { kind: 'linear', name: 'head', inputSize: 5, outputSize: 4 }],
  };
}

const ops = { lstm: 'LSTM', gru: 'GRU', elman: 'RNN' };

/** A node over `x`; what `attributes` and `inputs` (from sequence_lens on) say goes into it as it is. */
function recurrentNode(
  graph: GraphBuilder,
  layer: CommonLayerSpec,
  tensors: Tensors,
  x: string,
  attributes: Attributes = {},
  inputs: readonly string[] = [],
): string {
  const { name, kind, hiddenSize } = layer;
  const weights = addWeights(graph, layer, 0, tensors);
  const reset: Attributes = kind === 'gru' ? { linear_before_reset: layer.resetAfter === false ? 0 : 1 } : {};
  const outputs = [`${name}.y`, `${name}.h`, ...(kind === 'lstm' ? [`${name}.c`] : [])];
  const all = { hidden_size: hiddenSize, ...reset, ...attributes };
  return graph.node(ops[kind], [x, ...weights, ...inputs], outputs, all);
}

function integers(graph: GraphBuilder, values: readonly number[]): string {
  return graph.constant(`i${values.join('_')}`, [values.length], values);
}

function head(graph: GraphBuilder, tensors: Tensors, x: string, transB = 1): string {
  const { weight, bias } = { weight: tensors['head.weight']!, bias: tensors['head.bias']! };
  const [o, i] = weight.shape as [number, number];
  const data = transB
    ? weight.data
    : Float32Array.from({ length: o * i }, (_, at) => weight.data[(at % o) * i + Math.floor(at / o)]!);
  const w = graph.constant('W', transB ? [o, i] : [i, o], data);
  return graph.node('Gemm', [x, w, graph.constant('b', [o], bias.data)], ['gemm'], transB ? { transB } : {});
}

/**
 * One model in the forms in which exporters write it. Each takes x in its own order of axes and gives y so.
 * `turned` says that the graph's x and y are [B, T, …].
 */
type Form = {
  opset?: number;
  turned?: boolean;
  build: (graph: GraphBuilder, tensors: Tensors) => [string, Dimension[]];
};
const layer = small().layers[0] as CommonLayerSpec;
const forms: Record<string, Form> = {
  'batch first, flattened for a Gemm by sizes that the graph asks for': {
    turned: true,
    build(graph, tensors) {
      const x = graph.node('Transpose', [graph.input('x', 'float32', ['B', 'T', 3])], ['xt'], {
        perm: [1, 0, 2],
      });
      const y = graph.node(
        'Squeeze',
        [recurrentNode(graph, layer, tensors, x), integers(graph, [1])],
        ['ys'],
      );
      const shape = graph.node('Shape', ['x'], ['shape']);
      const one = graph.node('Gather', [shape, graph.constant('at1', [], [1])], ['steps']);
      const two = graph.node('Slice', [shape, integers(graph, [0]), integers(graph, [1])], ['streams']);
      const steps = graph.node('Unsqueeze', [one, integers(graph, [0])], ['steps1']);
      const count = graph.node('Mul', [steps, two], ['count']);
      const flat = graph.node('Concat', [count, integers(graph, [5])], ['flat'], { axis: 0 });
      const z = head(graph, tensors, graph.node('Reshape', [y, flat], ['yf']));
      const back = graph.node('Concat', [steps, two, integers(graph, [-1])], ['back'], { axis: 0 });
      const out = graph.node('Reshape', [z, back], ['yb']);
      return [graph.node('Transpose', [out], ['y'], { perm: [1, 0, 2] }), ['B', 'T', 4]];
    },
  },
  'directions moved beside the units, zeros for a state made by shapes, old opset': {
    opset: 11,
    build(graph, tensors) {
      const x = graph.input('x', 'float32', ['T', 'B', 3]);
      const shape = graph.node('Shape', [x], ['shape']);
      const streams = graph.node('Gather', [shape, graph.constant('at1', [], [1])], ['streams']);
      const one = graph.node('Unsqueeze', [streams], ['streams1'], { axes: [0] });
      const dims = graph.node('Concat', [integers(graph, [1]), one, integers(graph, [5])], ['dims'], {
        axis: 0,
      });
      const zeros = graph.node('ConstantOfShape', [dims], ['zeros']);
      const wide = graph.node(
        'Expand',
        [graph.constant('zero', [1, 1, 1], new Float32Array(1)), dims],
        ['wide'],
      );
      const y = recurrentNode(
        graph,
        layer,
        tensors,
        x,
        { direction: 'forward', activations: ['Sigmoid', 'Tanh', 'Tanh'] },
        ['', zeros, wide],
      );
      const moved = graph.node('Transpose', [y], ['moved'], { perm: [0, 2, 1, 3] });
      const flat = graph.node('Reshape', [moved, integers(graph, [0, 0, -1])], ['flat']);
      const rows = graph.node('Reshape', [flat, integers(graph, [-1, 5])], ['rows']);
      const z = head(graph, tensors, graph.node('Identity', [rows], ['same']), 0);
      const sizes = graph.node(
        'Slice',
        [graph.node('Shape', [flat], ['shape2']), integers(graph, [0]), integers(graph, [2])],
        ['two'],
      );
      const back = graph.node('Concat', [sizes, integers(graph, [4])], ['back'], { axis: 0 });
      return [graph.node('Reshape', [z, back], ['y']), ['T', 'B', 4]];
    },
  },
  'fixed sizes, squeezed without axes': {
    turned: true,
    opset: 7,
    build(graph, tensors) {
      const x = graph.node('Transpose', [graph.input('x', 'float32', [2, 6, 3])], ['xt'], {
        perm: [1, 0, 2],
      });
      const y = graph.node('Squeeze', [recurrentNode(graph, layer, tensors, x)], ['ys']);
      const z = head(graph, tensors, graph.node('Reshape', [y, integers(graph, [12, 5])], ['rows']));
      const back = graph.node('Reshape', [z, integers(graph, [6, 1, 2, 4])], ['back']);
      return [
        graph.node('Squeeze', [graph.node('Transpose', [back], ['turn'], { perm: [2, 1, 0, 3] })], ['y'], {
          axes: [1],
        }),
        [2, 6, 4],
      ];
    },
  },
  'a dropout, a cast and steps after the product': {
    opset: 21,
    build(graph, tensors) {
      const x = graph.node('Cast', [graph.input('x', 'float32', ['T', 'B', 3])], ['xc'], { to: 1 });
      const y = graph.node(
        'Squeeze',
        [recurrentNode(graph, layer, tensors, x), integers(graph, [1])],
        ['ys'],
      );
      const dropped = graph.node('Dropout', [y], ['yd']);
      const { shape, data } = tensors['head.weight']!;
      const w = graph.node('Transpose', [graph.constant('W', shape, data)], ['Wt'], { perm: [1, 0] });
      const product = graph.node('MatMul', [dropped, w], ['product']);
      const bias = graph.constant('b', [1, 1, 4], tensors['head.bias']!.data);
      return [graph.node('Add', [bias, product], ['y']), ['T', 'B', 4]];
    },
  },
};

/** x or y with its first two axes exchanged. */
function turn(data: Float32Array, first: number, second: number): Float32Array {
  const width = data.length / (first * second);
  const result = new Float32Array(data.length);
  for (let a = 0; a < first; a++)
    for (let b = 0; b < second; b++)
      result.set(
        data.subarray((a * second + b) * width, (a * second + b + 1) * width),
        (b * first + a) * width,
      );
  return result;
}

describe('forms', () => {
  test.each(Object.entries(structures))('%s: what the builder writes is read as it was', async (_, spec) => {
    const { tensors, x, options } = draw(spec, sceneOf({ steps: 4, batch: 3, withState: true }));
    using expected = await createModel(spec, tensors);
    using model = await loadModel(buildOnnx(spec, tensors));
    expectSameRun(await model.run(x, options), await expected.run(x, options));
    using stateless = await loadModel(buildOnnx(spec, tensors, { state: false }));
    const { state: _state, ...fresh } = options as typeof options & { state?: unknown };
    expectSameRun(await stateless.run(x, fresh), await expected.run(x, fresh));
  });

  test.each(Object.entries(forms))('%s', async (_, { opset, turned, build }) => {
    const spec = small();
    const [steps, batch] = [6, 2];
    const { tensors, x, options } = draw(spec, sceneOf({ steps, batch }));
    const graph = new GraphBuilder();
    const [output, dims] = build(graph, tensors);
    graph.output(output, 'float32', dims);
    const bytes = graph.build('form', opset);
    using expected = await createModel(spec, tensors);
    using model = await loadModel(bytes);
    const { y } = await model.run(x, options);
    expectSameBytes(y, (await expected.run(x, options)).y);

    const session = await openOnnxNode(bytes);
    const given = turned ? turn(x as Float32Array, steps, batch) : x;
    const shape = turned ? [batch, steps, 3] : [steps, batch, 3];
    const theirs = (await session.run({ x: new ort.Tensor('float32', given as Float32Array, shape) }))[
      output
    ]!.data as Float32Array;
    const { bound } = runOracle(spec, tensors, x, options);
    const twice = bound.map((value) => 2 * value);
    expect(findExcess(y, turned ? turn(theirs, batch, steps) : theirs, twice)).toBeNull();
  });

  test('alpha and beta of a Gemm go into the weights', () => {
    const { tensors } = draw(small(), sceneOf());
    const graph = new GraphBuilder();
    const y = recurrentNode(graph, layer, tensors, graph.input('x', 'float32', [1, 'B', 3]));
    const flat = graph.node('Squeeze', [y, integers(graph, [0, 1])], ['flat']);
    const names = [
      flat,
      graph.constant('W', [4, 5], tensors['head.weight']!.data),
      graph.constant('b', [4], tensors['head.bias']!.data),
    ];
    graph.output(
      graph.node('Gemm', names, ['y'], { transB: 1, alpha: { float: 2 }, beta: { float: -0.5 } }),
      'float32',
      ['B', 4],
    );
    const read = readOnnx(graph.build('m')).file.tensors;
    expect(read['linear.1.weight']!.data).toEqual(tensors['head.weight']!.data.map((value) => 2 * value));
    expect(read['linear.1.bias']!.data).toEqual(tensors['head.bias']!.data.map((value) => -0.5 * value));
  });

  test('parallel nodes over parts of one input are one layer of blocks', async () => {
    const parts = [0, 1].map((n) => layerOf('gruAfter', `part${n}`, 3, 4));
    const graph = new GraphBuilder();
    graph.input('x', 'float32', ['T', 'B', 6]);
    graph.node('Split', ['x', integers(graph, [3, 3])], ['x.0', 'x.1'], { axis: 2 });
    const ys = parts.map((part, n) => {
      const { tensors } = draw({ layers: [part] }, sceneOf({ seed: n + 7 }));
      return recurrentNode(graph, part, tensors, `x.${n}`);
    });
    const joined = graph.node('Concat', ys, ['joined'], { axis: 3 });
    graph.output(graph.node('Squeeze', [joined, integers(graph, [1])], ['y']), 'float32', ['T', 'B', 8]);
    const bytes = graph.build('grouped');
    const { spec, tensors } = readOnnx(bytes).file;
    expect(spec.layers).toMatchObject([{ kind: 'gru', inputSize: 6, hiddenSize: 8, blocks: 2 }]);
    const { x, options } = draw(spec, sceneOf({ steps: 5, batch: 2 }));
    using model = await loadModel(bytes);
    const { y } = await model.run(x, options);
    const session = await openOnnxNode(bytes);
    const theirs = await session.run({ x: new ort.Tensor('float32', x as Float32Array, [5, 2, 6]) });
    const { bound } = runOracle(spec, tensors, x, options);
    expect(
      findExcess(
        y,
        theirs.y!.data as Float32Array,
        bound.map((value) => 2 * value),
      ),
    ).toBeNull();
  });

  test('zeros off the blocks of R are found, and may be kept', () => {
    const blocked = layerOf('lstm', 'rnn', 3, 6, 3);
    const { tensors } = draw({ layers: [blocked] }, sceneOf());
    const compact = tensors['rnn.weight_hh']!.data;
    const dense = new Float32Array(24 * 6);
    for (let row = 0; row < 24; row++)
      dense.set(compact.subarray(2 * row, 2 * row + 2), 6 * row + 2 * Math.floor((row % 6) / 2));
    const bytes = buildOnnx(
      { layers: [layerOf('lstm', 'rnn', 3, 6)] },
      { ...tensors, 'rnn.weight_hh': { shape: [24, 6], data: dense } },
    );
    expect(readOnnx(bytes).file.spec.layers).toMatchObject([{ blocks: 3 }]);
    expect(readOnnx(bytes).file.tensors['lstm.0.weight_hh']!.data).toEqual(compact);
    expect(readOnnx(bytes, { blocks: 1 }).file.tensors['lstm.0.weight_hh']!.data).toEqual(dense);
  });
});

describe('states', () => {
  /** Two layers whose states are rows of one input, [1, 2, H] each; `order` is that of the rows that come out. */
  function stacked(order: readonly number[]): Uint8Array {
    const layers = [layerOf('gruAfter', 'a', 4, 4), layerOf('gruAfter', 'b', 4, 4)];
    const { tensors } = draw({ layers }, sceneOf());
    const graph = new GraphBuilder();
    let x = graph.input('x', 'float32', [1, 1, 4]);
    graph.input('states', 'float32', [2, 1, 4]);
    graph.output('new_states', 'float32', [2, 1, 4]);
    for (const [k, one] of layers.entries()) {
      graph.node(
        'Slice',
        ['states', integers(graph, [k]), integers(graph, [k + 1]), integers(graph, [0])],
        [`s${k}`],
      );
      const y = recurrentNode(graph, one, tensors, x, {}, ['', `s${k}`]);
      x = graph.node('Squeeze', [y, integers(graph, [1])], [`y${k}`]);
    }
    graph.node(
      'Concat',
      order.map((k) => `${layers[k]!.name}.h`),
      ['new_states'],
      { axis: 0 },
    );
    graph.output(x, 'float32', [1, 1, 4]);
    return graph.build('stacked');
  }

  test('one input may hold those of all layers', () => {
    expect(readOnnx(stacked([0, 1])).names).toEqual({
      input: 'x',
      output: 'y1',
      stateInputs: ['states'],
      stateOutputs: ['new_states'],
    });
  });

  test('of one step, the last output is the output', () => {
    const { tensors } = draw(small(), sceneOf());
    for (const steps of [1, 'T']) {
      const graph = new GraphBuilder();
      recurrentNode(graph, layer, tensors, graph.input('x', 'float32', [steps, 'B', 3]));
      const last = graph.node('Squeeze', ['rnn.h', integers(graph, [0])], ['last']);
      graph.output(head(graph, tensors, last), 'float32', ['B', 4]);
      const read = () => readOnnx(graph.build('m')).file.spec.layers;
      if (steps === 1) expect(read()).toMatchObject([{ kind: 'lstm' }, { kind: 'linear' }]);
      else expect(errorOf(read)).toMatchObject({ feature: 'onnx Gemm input' });
    }
  });

  test('of one stream for all of them is refused', () => {
    const { tensors } = draw(small('gruAfter'), sceneOf());
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', ['T', 'B', 3]);
    graph.input('h', 'float32', [1, 'B', 5]);
    const cut = [
      graph.constant('from', [1], [0]),
      graph.constant('to', [1], [1]),
      graph.constant('axis', [1], [1]),
    ];
    graph.node('Slice', ['h', ...cut], ['first']);
    const y = recurrentNode(graph, small('gruAfter').layers[0] as CommonLayerSpec, tensors, x, {}, [
      '',
      'first',
    ]);
    graph.output(graph.node('Squeeze', [y, integers(graph, [1])], ['y']), 'float32', ['T', 'B', 5]);
    expect(errorOf(() => readOnnx(graph.build('m')))).toMatchObject({ feature: 'onnx Slice axes' });
  });

  test('one that two layers begin with is refused', () => {
    const { tensors } = draw(small('gruAfter'), sceneOf());
    const one = small('gruAfter').layers[0] as CommonLayerSpec;
    const second = layerOf('gruAfter', 'second', 5, 5);
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', ['T', 'B', 3]);
    graph.input('h', 'float32', [1, 'B', 5]);
    const y = graph.node(
      'Squeeze',
      [recurrentNode(graph, one, tensors, x, {}, ['', 'h']), integers(graph, [1])],
      ['y1'],
    );
    const more = draw({ layers: [second] }, sceneOf()).tensors;
    const z = recurrentNode(graph, second, more, y, {}, ['', 'h']);
    graph.output(graph.node('Squeeze', [z, integers(graph, [1])], ['y']), 'float32', ['T', 'B', 5]);
    expect(errorOf(() => readOnnx(graph.build('m')))).toMatchObject({ feature: 'onnx initial state' });
  });

  test('what comes out at another place than it goes in is refused', () => {
    expect(errorOf(() => readOnnx(stacked([1, 0])))).toMatchObject({
      name: 'UnsupportedError',
      feature: 'onnx state',
    });
    expect(errorOf(() => readOnnx(stacked([0, 0])))).toMatchObject({
      name: 'UnsupportedError',
      feature: 'onnx state',
    });
  });
});

describe('constants', () => {
  const { tensors } = draw(small(), sceneOf());
  const [o, i] = [4, 5];
  const exact = tensors['head.weight']!.data.map((value) => Math.fround(Math.round(value * 64) / 64));
  const halves = encodeF16(exact);
  const bits = new Uint32Array(exact.buffer, exact.byteOffset, exact.length);
  const raw = (array: ArrayBufferView) =>
    bytesField(9, new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  const floats = (array: ArrayBufferView, field: number) =>
    bytesField(field, new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  const bf16 = [...bits].map((value) => value >>> 16);

  function withWeight(type: number, data: Uint8Array, dims = integerFields(1, [o, i])): Uint8Array {
    const graph = new GraphBuilder();
    const y = recurrentNode(graph, layer, tensors, graph.input('x', 'float32', [1, 'B', 3]));
    const flat = graph.node('Squeeze', [y, integers(graph, [0, 1])], ['flat']);
    graph.tensor('W', [dims, integerField(2, type), data]);
    graph.output(graph.node('Gemm', [flat, 'W'], ['y'], { transB: 1 }), 'float32', ['B', 4]);
    return graph.build('m');
  }

  test.each([
    ['float32 raw', 1, raw(exact)],
    ['float32 typed', 1, floats(exact, 4)],
    ['double raw', 11, raw(Float64Array.from(exact))],
    ['double typed', 11, floats(Float64Array.from(exact), 10)],
    ['float16 raw', 10, raw(halves)],
    ['float16 typed', 10, packedField(5, [...halves])],
    ['float16 typed, one by one', 10, integerFields(5, [...halves])],
    ['bfloat16 raw', 16, raw(Uint16Array.from(bf16))],
    ['bfloat16 typed', 16, packedField(5, bf16)],
  ])('%s', (_, type, data) => {
    expect([...readOnnx(withWeight(type, data)).file.tensors['linear.1.weight']!.data]).toEqual([...exact]);
    expect(
      readOnnx(withWeight(type, data, packedField(1, [o, i]))).file.tensors['linear.1.weight']!.shape,
    ).toEqual([o, i]);
  });

  test('data in another file are refused by name', () => {
    const entry = messageField(13, [textField(1, 'location'), textField(2, 'weights.bin')]);
    const error = errorOf(() => readOnnx(withWeight(1, Uint8Array.from([...entry, ...integerField(14, 1)]))));
    expect(error).toMatchObject({ name: 'UnsupportedError', feature: 'onnx external data' });
    expect(error.message).toContain('"W" lies in another file, "weights.bin"');
  });

  test('too few values and too many are broken, with the place and the tensor', () => {
    for (const count of [0, 19, 21])
      expect(errorOf(() => readOnnx(withWeight(1, raw(new Float32Array(count)))))).toMatchObject({
        name: 'FormatError',
        tensor: 'W',
        offset: expect.any(Number),
      });
    expect(
      errorOf(() => readOnnx(withWeight(1, raw(exact), integerFields(1, [2 ** 30, 2 ** 30])))),
    ).toMatchObject({ name: 'FormatError' });
    expect(errorOf(() => readOnnx(withWeight(9, raw(exact))))).toMatchObject({
      name: 'UnsupportedError',
      feature: 'onnx type 9',
    });
  });
});

describe('what is not read', () => {
  const { tensors } = draw(small(), sceneOf());
  type Change = (graph: GraphBuilder) => string;
  const plain =
    (attributes: Attributes, inputs: readonly string[] = []): Change =>
    (graph) => {
      const y = recurrentNode(
        graph,
        layer,
        tensors,
        graph.input('x', 'float32', ['T', 'B', 3]),
        attributes,
        inputs,
      );
      return graph.node('Squeeze', [y, integers(graph, [1])], ['squeezed']);
    };
  const followedBy =
    (op: string, attributes: Attributes = {}, ...more: string[]): Change =>
    (graph) =>
      graph.node(op, [plain({})(graph), ...more], ['after'], attributes);
  const cases: [string, string, Change][] = [
    ['direction', 'attribute direction is "reverse"', plain({ direction: 'reverse' })],
    ['layout', 'attribute layout is 1', plain({ layout: 1 })],
    ['input_forget', 'attribute input_forget is 1', plain({ input_forget: 1 })],
    ['clip', 'attribute clip is 3', plain({ clip: { float: 3 } })],
    ['activations', 'Sigmoid, Tanh, Relu', plain({ activations: ['Sigmoid', 'Tanh', 'Relu'] })],
    [
      'sequence_lens',
      'input sequence_lens',
      (graph) => plain({}, [graph.constant('lens', [2], [1, 2])])(graph),
    ],
    [
      'peepholes',
      'input P',
      (graph) => plain({}, ['', '', '', graph.constant('P', [1, 15], new Float32Array(15).fill(1))])(graph),
    ],
    [
      'initial_h',
      'neither zeros',
      (graph) => plain({}, ['', graph.constant('h', [1, 1, 5], new Float32Array(5).fill(1))])(graph),
    ],
    ['operator', 'Conv is not supported', followedBy('Conv')],
    ['shape', 'cannot be shown', (graph) => followedBy('Reshape', {}, integers(graph, [-1, 10]))(graph)],
    [
      'axes',
      'not the features',
      (graph) =>
        graph.node(
          'MatMul',
          [
            graph.node('Transpose', [plain({})(graph)], ['turned'], { perm: [0, 2, 1] }),
            graph.constant('M', [5, 5], new Float32Array(25)),
          ],
          ['product'],
        ),
    ],
    ['axis', 'attribute axis is 0', followedBy('Softmax', { axis: 0 })],
    [
      'input',
      'adds a constant',
      (graph) => followedBy('Add', {}, graph.constant('five', [5], new Float32Array(5)))(graph),
    ],
  ];

  test.each(cases)('%s', (feature, message, change) => {
    const graph = new GraphBuilder();
    const name = change(graph);
    graph.output(name, 'float32', ['T', 'B', 5]);
    const error = errorOf(() => readOnnx(graph.build('m'))) as Error & { feature?: string };
    expect(error.name).toBe('UnsupportedError');
    expect(error.feature).toMatch(new RegExp(`^onnx \\w+ ${feature}$`));
    expect(error.message).toContain(message);
    expect(error.message).toMatch(/^node "\w+:/);
  });

  test.each([
    ['steps read as streams', [2, 6, 5]],
    ['steps cut in two', [3, 2, 2, 5]],
    ['units among the streams', [6, 10, 1]],
    ['steps and streams in one axis', [12, 5]],
  ])('sizes that fit do not prove it: %s', (_, shape) => {
    const graph = new GraphBuilder();
    const y = recurrentNode(graph, layer, tensors, graph.input('x', 'float32', [6, 2, 3]));
    graph.output(
      graph.node('Reshape', [y, graph.constant('to', [shape.length], shape)], ['y']),
      'float32',
      shape,
    );
    expect(errorOf(() => readOnnx(graph.build('m')))).toMatchObject({ feature: 'onnx outputs' });
  });

  test('features and steps exchanged at the end', () => {
    const graph = new GraphBuilder();
    graph.node('Transpose', [plain({})(graph)], ['y'], { perm: [1, 2, 0] });
    graph.output('y', 'float32', ['B', 5, 'T']);
    expect(errorOf(() => readOnnx(graph.build('m')))).toMatchObject({ feature: 'onnx outputs' });
  });

  test('a second layer along the streams', () => {
    const second = layerOf('elmanTanh', 'second', 5, 5);
    const graph = new GraphBuilder();
    const turned = graph.node('Transpose', [plain({})(graph)], ['turned'], { perm: [1, 0, 2] });
    const y = recurrentNode(graph, second, draw({ layers: [second] }, sceneOf()).tensors, turned);
    graph.output(graph.node('Squeeze', [y, integers(graph, [1])], ['y']), 'float32', ['B', 'T', 5]);
    expect(errorOf(() => readOnnx(graph.build('m')))).toMatchObject({ feature: 'onnx axes' });
  });

  test('other opsets, a spec beside the file, and what does not reach the output is nobody’s problem', () => {
    const graph = new GraphBuilder();
    const y = plain({})(graph);
    graph.node('Conv', [y], ['unused']);
    graph.output(y, 'float32', ['T', 'B', 5]);
    expect(readOnnx(graph.build('m')).file.spec.layers.length).toBe(1);
    for (const opset of [6, 22])
      expect(errorOf(() => readOnnx(graph.build('m', opset)))).toMatchObject({ feature: 'onnx opset' });
    expect(errorOf(() => readOnnx(graph.build('m'), { spec: {} }))).toMatchObject({ feature: 'onnx spec' });
    expect(errorOf(() => readModel(graph.build('m')))).toMatchObject({ feature: 'onnx' });
  });
});

const dtln = new URL('../../../shared/models/dtln/', import.meta.url);
const found = [dtln, new URL('../../shared/models/dtln/', import.meta.url)].find((folder) =>
  existsSync(folder),
);

test.skipIf(found === undefined)('a noise suppressor runs frame by frame as it did elsewhere', async () => {
  const { buffer, byteOffset, byteLength } = readFileSync(new URL('expected.f32', found));
  const expected = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
  const mask = new Float32Array(300 * 257);

  using model = await loadModel(readFileSync(new URL('model_1.onnx', found)));
  const session = model.session();
  for (let t = 0; t < 300; t++) mask.set(session.step(expected.subarray(t * 257, (t + 1) * 257)), t * 257);

  const bound = new Float64Array(mask.length).fill(1e-4);
  expect(findExcess(mask, expected.subarray(300 * 257, 600 * 257), bound)).toBeNull();
});
