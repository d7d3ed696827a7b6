import { describe, expect, test } from 'vitest';
import { readOnnx } from '#dist/formats/onnx/onnx.js';
import type { CommonLayerSpec } from '#dist/model/spec.js';
import { createModel, loadModel } from '#dist/node.js';
import { GraphBuilder } from '../../onnx/builder.js';
import { head, integers, layer, recurrentNode, small } from '../../onnx/nodes.js';
import { draw, expectSameRun, layerOf, sceneOf } from '../../session/draw.js';
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

  test('of both directions and of layout 1 have the axes that ONNX gives them', () => {
    for (const layout of [0, 1]) {
      const graph = new GraphBuilder();
      graph.input('x', 'float32', layout === 0 ? ['T', 'B', 3] : ['B', 'T', 3]);
      graph.input('h', 'float32', layout === 0 ? [2, 'B', 4] : ['B', 2, 4]);
      const weights = [
        graph.constant('W', [2, 12, 3], new Float32Array(72).fill(1)),
        graph.constant('R', [2, 12, 4], new Float32Array(96).fill(1)),
      ];
      const attributes = { hidden_size: 4, direction: 'bidirectional', layout };
      graph.node('GRU', ['x', ...weights, '', '', 'h'], ['Y', 'hn'], attributes);
      graph.node('Transpose', ['Y'], ['turned'], { perm: layout === 0 ? [0, 2, 1, 3] : [0, 1, 2, 3] });
      graph.output(graph.node('Reshape', ['turned', integers(graph, [0, 0, 8])], ['y']), 'float32', [
        'T',
        'B',
        8,
      ]);
      graph.output('hn', 'float32', layout === 0 ? [2, 'B', 4] : ['B', 2, 4]);
      const { file, names } = readOnnx(graph.build('m'));
      expect(file.spec.layers).toMatchObject([{ kind: 'gru', direction: 'bidirectional', hiddenSize: 4 }]);
      expect(names).toMatchObject({ stateInputs: ['h'], stateOutputs: ['hn'] });
    }
  });
});

describe('lengths', () => {
  /** Two layers, of which `which` have the graph's lengths; the others have `constant`, if any. */
  function withLengths(
    which: readonly number[],
    constant: readonly number[] = [],
    steps: number | string = 'T',
  ) {
    const layers = [layerOf('gruAfter', 'a', 4, 4), layerOf('lstm', 'b', 4, 4)];
    const { tensors } = draw({ layers }, sceneOf());
    const graph = new GraphBuilder();
    let x = graph.input('x', 'float32', [steps, 2, 4]);
    // An input that nobody reads is nobody's problem.
    graph.input('lengths', 'int64', [2]);
    const lengths = which.length === 0 ? '' : graph.node('Cast', ['lengths'], ['lengths32'], { to: 6 });
    const fixed = constant.length === 0 ? '' : graph.constant('fixed', [2], constant);
    for (const [k, one] of layers.entries()) {
      const y = recurrentNode(graph, one, tensors, x, {}, [which.includes(k) ? lengths : fixed]);
      x = graph.node('Squeeze', [y, integers(graph, [1])], [`y${k}`]);
    }
    graph.output(x, 'float32', [steps, 2, 4]);
    return { bytes: graph.build('m'), spec: { layers }, tensors };
  }

  test('of all nodes are those of run', async () => {
    const { bytes, spec, tensors } = withLengths([0, 1]);
    expect(readOnnx(bytes).names.lengths).toBe('lengths');
    using model = await loadModel(bytes);
    using expected = await createModel(spec, tensors);
    const { x } = draw(spec, sceneOf({ steps: 3, batch: 2 }));
    const options = { steps: 3, batch: 2, lengths: Int32Array.of(2, 3) };
    expectSameRun(await model.run(x, options), await expected.run(x, options));
  });

  test('that are all steps are none, and those of one node alone are refused', () => {
    expect(readOnnx(withLengths([], [3, 3], 3).bytes).file.spec.layers.length).toBe(2);
    expect(errorOf(() => readOnnx(withLengths([], [3, 2], 3).bytes))).toMatchObject({
      feature: 'onnx GRU sequence_lens',
    });
    expect(errorOf(() => readOnnx(withLengths([1]).bytes))).toMatchObject({ feature: 'onnx sequence_lens' });
  });
});
