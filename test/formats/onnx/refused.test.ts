import { describe, expect, test } from 'vitest';
import { readOnnx } from '#dist/formats/onnx/onnx.js';
import { readModel } from '#dist/node.js';
import { type Attributes, GraphBuilder } from '../../onnx/builder.js';
import { integers, layer, recurrentNode, small } from '../../onnx/nodes.js';
import { draw, layerOf, sceneOf } from '../../session/draw.js';
import { errorOf } from '../bytes.js';

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
  const floats = (graph: GraphBuilder, values: number[], dims = [values.length]) =>
    graph.constant(`f${values.join('_')}`, dims, Float32Array.from(values));
  /** One feature for all. */
  const mean: Change = (graph) =>
    graph.node('MatMul', ['squeezed', graph.constant('one', [5, 1], new Float32Array(5))], ['mean']);
  const cases: [string, string, Change][] = [
    ['direction', 'attribute direction is "sideways"', plain({ direction: 'sideways' })],
    ['clip', 'attribute clip is -1', plain({ clip: { float: -1 } })],
    ['activations', '"Sine" is not supported', plain({ activations: ['Sigmoid', 'Tanh', 'Sine'] })],
    [
      'sequence_lens',
      'neither an input of the graph nor all steps',
      (graph) => plain({}, [graph.constant('lens', [2], [1, 2])])(graph),
    ],
    [
      'initial_h',
      'neither zeros',
      (graph) => plain({}, ['', graph.constant('h', [1, 1, 5], new Float32Array(5).fill(1))])(graph),
    ],
    ['operator', 'Conv is not supported', followedBy('Conv')],
    ['approximate', 'approximate is "erf"', followedBy('Gelu', { approximate: 'erf' })],
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
    ['axes', 'would be repeated', (graph) => graph.node('Mul', [plain({})(graph), mean(graph)], ['after'])],
    [
      'input',
      'divides a constant',
      (graph) => graph.node('Div', [floats(graph, [1]), plain({})(graph)], ['after']),
    ],
    [
      'shape',
      'which are not the features',
      (graph) => followedBy('Mul', {}, floats(graph, [1, 2, 3, 4, 5, 6], [6, 1, 1]))(graph),
    ],
    ['exponent', 'its exponent is 3', (graph) => followedBy('Pow', {}, floats(graph, [3]))(graph)],
    ['axes', 'not the features, or groups', followedBy('ReduceMean', { axes: [0] })],
    ['keepdims', 'keepdims is 0', followedBy('ReduceMean', { axes: [-1], keepdims: 0 })],
    [
      'input',
      'no norm follows',
      (graph) => {
        const x = plain({})(graph);
        return graph.node('Sub', [x, graph.node('ReduceMean', [x], ['mean'], { axes: [-1] })], ['after']);
      },
    ],
    [
      'input',
      'in another way than norms do',
      (graph) => {
        const x = plain({})(graph);
        return graph.node('Mul', [x, graph.node('ReduceMean', [x], ['mean'], { axes: [-1] })], ['after']);
      },
    ],
    [
      'axis',
      'not the features of each',
      (graph) => {
        const x = plain({})(graph);
        return graph.node('Concat', [x, x], ['after'], { axis: 0 });
      },
    ],
    [
      'slope',
      'a slope for each feature',
      (graph) => followedBy('PRelu', {}, floats(graph, [1, 2, 3, 4, 5]))(graph),
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
