import { describe, expect, test } from 'vitest';
import { readOnnx } from '#dist/formats/onnx/onnx.js';
import type { RecurrentLayerSpec } from '#dist/model/spec.js';
import { GraphBuilder } from '../../onnx/builder.js';
import { head, integers, layer, recurrentNode, small } from '../../onnx/nodes.js';
import { draw, layerOf, sceneOf } from '../../session/draw.js';
import { errorOf } from '../bytes.js';

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
    const y = recurrentNode(graph, small('gruAfter').layers[0] as RecurrentLayerSpec, tensors, x, {}, [
      '',
      'first',
    ]);
    graph.output(graph.node('Squeeze', [y, integers(graph, [1])], ['y']), 'float32', ['T', 'B', 5]);
    expect(errorOf(() => readOnnx(graph.build('m')))).toMatchObject({ feature: 'onnx Slice axes' });
  });

  test('one that two layers begin with is refused', () => {
    const { tensors } = draw(small('gruAfter'), sceneOf());
    const one = small('gruAfter').layers[0] as RecurrentLayerSpec;
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
