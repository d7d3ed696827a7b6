import type { CommonLayerSpec, ModelSpec } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { layerOf } from '../session/draw.js';
import type { Attributes, GraphBuilder } from './builder.js';
import { addWeights } from './graph.js';

/** The one layer of most tests, with a head. */
export function small(kind: Parameters<typeof layerOf>[0] = 'lstm'): ModelSpec {
  return {
    layers: [layerOf(kind, 'rnn', 3, 5), { kind: 'linear', name: 'head', inputSize: 5, outputSize: 4 }],
  };
}

const ops = { lstm: 'LSTM', gru: 'GRU', elman: 'RNN' };

/** A node over `x`; what `attributes` and `inputs` (from sequence_lens on) say goes into it as it is. */
export function recurrentNode(
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

export function integers(graph: GraphBuilder, values: readonly number[]): string {
  return graph.constant(`i${values.join('_')}`, [values.length], values);
}

export function head(graph: GraphBuilder, tensors: Tensors, x: string, transB = 1): string {
  const { weight, bias } = { weight: tensors['head.weight']!, bias: tensors['head.bias']! };
  const [o, i] = weight.shape as [number, number];
  const data = transB
    ? weight.data
    : Float32Array.from({ length: o * i }, (_, at) => weight.data[(at % o) * i + Math.floor(at / o)]!);
  const w = graph.constant('W', transB ? [o, i] : [i, o], data);
  return graph.node('Gemm', [x, w, graph.constant('b', [o], bias.data)], ['gemm'], transB ? { transB } : {});
}

export const layer = small().layers[0] as CommonLayerSpec;
