import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { readOnnx } from '#dist/formats/onnx/onnx.js';
import type { Tensors } from '#dist/model/tensors.js';
import { createModel, loadModel } from '#dist/node.js';
import { type Dimension, GraphBuilder } from '../../onnx/builder.js';
import { buildOnnx } from '../../onnx/graph.js';
import { head, integers, layer, recurrentNode, small } from '../../onnx/nodes.js';
import { openOnnxNode } from '../../onnx/runtime.js';
import { runOracle } from '../../oracle/model.js';
import { findExcess } from '../../oracle/tolerance.js';
import { draw, expectSameBytes, expectSameRun, layerOf, sceneOf } from '../../session/draw.js';
import { structures } from '../../session/structures.js';

/**
 * One model in the forms in which exporters write it. Each takes x in its own order of axes and gives y so.
 * `turned` says that the graph's x and y are [B, T, …].
 */
type Form = {
  opset?: number;
  turned?: boolean;
  build: (graph: GraphBuilder, tensors: Tensors) => [string, Dimension[]];
};
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
