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
