import { type Func, fullFunc, functions } from '#dist/model/functions.js';
import type { PlainLayerSpec } from '#dist/model/plain.js';
import { blocksOf, type CommonLayerSpec, isRecurrent, type ModelSpec } from '#dist/model/spec.js';
import type { Tensor, Tensors } from '#dist/model/tensors.js';
import { inputWidth, widthsOf } from '#dist/model/wiring.js';
import { type Attributes, GraphBuilder } from './builder.js';

export interface OnnxOptions {
  /** whether the initial states are inputs of the graph (default true); without them they are zero */
  state?: boolean;
  /** whether `lengths` [B] is an input of the graph (default false); outputs past a length are then zero */
  lengths?: boolean;
}

// Where ONNX's gates are in ours: i o f c of i f g o, z r h of r z n.
const gateOrder = { lstm: [0, 3, 1, 2], gru: [1, 0, 2], elman: [0] };
const onnxOp = { lstm: 'LSTM', gru: 'GRU', elman: 'RNN' };
/** What the recurrent operators call functions; silu is none of theirs. */
export const onnxFunction = {
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
  relu: 'Relu',
  softsign: 'Softsign',
  softplus: 'Softplus',
  affine: 'Affine',
  leakyRelu: 'LeakyRelu',
  thresholdedRelu: 'ThresholdedRelu',
  scaledTanh: 'ScaledTanh',
  hardSigmoid: 'HardSigmoid',
  elu: 'Elu',
} as const;
const onnxActivation = {
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
  relu: 'Relu',
  softmax: 'Softmax',
  logSoftmax: 'LogSoftmax',
};

/**
 * Writes a model as ONNX: the second opinion of the tests, and what the benchmark gives to the rivals. A
 * recurrent layer of N blocks becomes N nodes over the same input and one Concat, the plainest way to say it there.
 *
 * Inputs: `x` [T, B, I] f32 or ids [T, B] i32, `h0.k` and for an LSTM `c0.k` [1, B, H] for the k-th recurrent
 * layer, `lengths` [B] i32. Outputs: `y` [T, B, O], `hn.k`, `cn.k` [1, B, H]. T and B are free.
 */
export function buildOnnx(spec: ModelSpec, tensors: Tensors, options: OnnxOptions = {}): Uint8Array {
  const graph = new GraphBuilder();
  const first = spec.layers[0]!;
  const width = inputWidth(spec);
  let value =
    first.kind === 'embedding'
      ? graph.input('x', 'int32', ['T', 'B'])
      : graph.input('x', 'float32', ['T', 'B', width]);
  const lengths = options.lengths ? graph.input('lengths', 'int32', ['B']) : '';
  let k = 0;
  // A plain stack, whose cells may say all that ONNX's operators do.
  for (const layer of spec.layers as PlainLayerSpec[]) {
    const { name } = layer;
    const out = `${name}.out`;
    if (isRecurrent(layer)) {
      value = addRecurrent(graph, layer, k++, tensors, value, lengths, options.state ?? true);
    } else if (layer.kind === 'embedding') {
      const { shape, data } = tensors[`${name}.weight`]!;
      value = graph.node('Gather', [graph.constant(`${name}.weight`, shape, data), value], [out]);
    } else if (layer.kind === 'linear') {
      const { shape, data } = transpose(tensors[`${name}.weight`]!);
      value = graph.node(
        'MatMul',
        [value, graph.constant(`${name}.weight`, shape, data)],
        [`${name}.product`],
      );
      if (layer.bias !== false) {
        const bias = tensors[`${name}.bias`]!;
        value = graph.node('Add', [value, graph.constant(`${name}.bias`, bias.shape, bias.data)], [out]);
      }
    } else {
      const attributes: Record<string, number> = layer.activation.endsWith('oftmax') ? { axis: -1 } : {};
      value = graph.node(onnxActivation[layer.activation], [value], [out], attributes);
    }
  }
  graph.node('Identity', [lengths === '' ? value : addMask(graph, value, lengths)], ['y']);
  graph.output('y', 'float32', ['T', 'B', widthsOf(spec).at(-1)!]);
  return graph.build('model');
}

function addRecurrent(
  graph: GraphBuilder,
  layer: CommonLayerSpec,
  k: number,
  tensors: Tensors,
  x: string,
  lengths: string,
  withState: boolean,
): string {
  const { name, hiddenSize } = layer;
  const blocks = blocksOf(layer);
  const letters = layer.kind === 'lstm' ? ['h', 'c'] : ['h'];
  const states = letters.map((letter) => {
    if (!withState) return Array.from({ length: blocks }, () => '');
    return split(graph, graph.input(`${letter}0.${k}`, 'float32', [1, 'B', hiddenSize]), blocks);
  });
  const sequences: string[] = [];
  const finals: string[][] = letters.map(() => []);
  for (let n = 0; n < blocks; n++) {
    const part = `${name}.${n}`;
    const outputs = [`${part}.y`, ...letters.map((letter) => `${part}.${letter}n`)];
    graph.node(
      onnxOp[layer.kind],
      [
        x,
        ...addWeights(graph, layer, n, tensors),
        lengths,
        ...states.map((names) => names[n]!),
        ...addPeepholes(graph, layer, n, tensors),
      ],
      outputs,
      attributesOf(layer),
    );
    sequences.push(outputs[0]!);
    for (const [i] of letters.entries()) finals[i]!.push(outputs[i + 1]!);
  }
  for (const [i, letter] of letters.entries()) {
    concat(graph, finals[i]!, `${letter}n.${k}`, 2);
    graph.output(`${letter}n.${k}`, 'float32', [1, 'B', hiddenSize]);
  }
  // Y is [T, directions, B, D]
  const joined = blocks === 1 ? sequences[0]! : concat(graph, sequences, `${name}.joined`, 3);
  return graph.node('Squeeze', [joined, graph.constant('axis.1', [1], [1])], [`${name}.out`]);
}

function attributesOf(layer: CommonLayerSpec): Attributes {
  const hidden_size = layer.hiddenSize / blocksOf(layer);
  const attributes: Attributes = { hidden_size };
  if (layer.clip !== undefined) attributes.clip = { float: layer.clip };
  if (layer.kind === 'gru') attributes.linear_before_reset = layer.resetAfter === false ? 0 : 1;
  if (layer.kind === 'lstm' && layer.coupled) attributes.input_forget = 1;
  const activations = layer.kind === 'elman' ? [layer.activation ?? 'tanh'] : layer.activations;
  return { ...attributes, ...(activations === undefined ? {} : functionAttributes(activations)) };
}

/** Functions by ONNX's names; alphas and betas are listed of those alone that take one. */
export function functionAttributes(activations: readonly Func[]): Attributes {
  const full = activations.map(fullFunc);
  const takers = (count: number) => full.filter((func) => functions[func.function].length >= count);
  return {
    activations: full.map((func) => onnxFunction[func.function as keyof typeof onnxFunction]),
    activation_alpha: { floats: takers(1).map(({ alpha }) => alpha) },
    activation_beta: { floats: takers(2).map(({ beta }) => beta) },
  };
}

/** P [1, 3 D] of block n in ONNX's order i o f, ours being i f o. */
function addPeepholes(graph: GraphBuilder, layer: CommonLayerSpec, n: number, tensors: Tensors): string[] {
  if (layer.kind !== 'lstm' || !layer.peepholes) return [];
  const { data } = tensors[`${layer.name}.weight_peephole`]!;
  const units = layer.hiddenSize / blocksOf(layer);
  const peepholes = new Float32Array(3 * units);
  for (const [at, gate] of [0, 2, 1].entries()) {
    const from = gate * layer.hiddenSize + n * units;
    peepholes.set(data.subarray(from, from + units), at * units);
  }
  return [graph.constant(`${layer.name}.${n}.P`, [1, 3 * units], peepholes)];
}

/** W [1, G D, I], R [1, G D, D] and B [1, 2 G D] of block n, gates in ONNX's order. */
export function addWeights(
  graph: GraphBuilder,
  layer: CommonLayerSpec,
  n: number,
  tensors: Tensors,
): string[] {
  const { name, inputSize, hiddenSize } = layer;
  const units = hiddenSize / blocksOf(layer);
  const order = gateOrder[layer.kind];
  const rows = order.length * units;
  const take = (tensor: string, width: number): Float32Array => {
    const { data } = tensors[`${name}.${tensor}`]!;
    const taken = new Float32Array(rows * width);
    for (const [at, g] of order.entries()) {
      const from = (g * hiddenSize + n * units) * width;
      taken.set(data.subarray(from, from + units * width), at * units * width);
    }
    return taken;
  };
  const bias = new Float32Array(2 * rows);
  bias.set(take('bias_ih', 1));
  bias.set(take('bias_hh', 1), rows);
  return [
    graph.constant(`${name}.${n}.W`, [1, rows, inputSize], take('weight_ih', inputSize)),
    graph.constant(`${name}.${n}.R`, [1, rows, units], take('weight_hh', units)),
    graph.constant(`${name}.${n}.B`, [1, 2 * rows], bias),
  ];
}

/** The blocks' shares of a state [1, B, H]. */
function split(graph: GraphBuilder, state: string, blocks: number): string[] {
  if (blocks === 1) return [state];
  const parts = Array.from({ length: blocks }, (_, n) => `${state}.${n}`);
  graph.node('Split', [state], parts, { axis: 2 });
  return parts;
}

function concat(graph: GraphBuilder, parts: readonly string[], to: string, axis: number): string {
  return graph.node('Concat', parts, [to], { axis });
}

/** y where t < lengths[b], else 0. */
function addMask(graph: GraphBuilder, y: string, lengths: string): string {
  const steps = graph.node(
    'Gather',
    [graph.node('Shape', [y], ['shape']), graph.constant('first', [], [0])],
    ['steps'],
  );
  const range = [graph.constant('from', [], [0]), steps, graph.constant('by', [], [1])];
  const times = graph.node('Range', range, ['times']);
  const column = graph.node('Unsqueeze', [times, graph.constant('axes.1.2', [2], [1, 2])], ['times.column']);
  const ends = graph.node('Unsqueeze', [lengths, graph.constant('axis.-1', [1], [-1])], ['lengths.column']);
  // `to` is TensorProto.INT64, which the times are in
  const whole = graph.node('Cast', [ends], ['lengths.whole'], { to: 7 });
  const within = graph.node('Less', [column, whole], ['within']);
  return graph.node('Where', [within, y, graph.constant('zero', [], new Float32Array(1))], ['masked']);
}

function transpose({ shape, data }: Tensor): Tensor {
  const [rows, columns] = shape as [number, number];
  const turned = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j]!;
  }
  return { shape: [columns, rows], data: turned };
}
