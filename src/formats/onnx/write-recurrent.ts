import { UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { blockRunsOf } from '../../model/blocks.js';
import { type Func, fullFunc, functions } from '../../model/functions.js';
import { endOf } from '../../model/recurrent.js';
import { blockSizesOf, blocksOf, type CommonLayerSpec, directionsOf } from '../../model/spec.js';
import type { Tensor, Tensors } from '../../model/tensors.js';
import type { Attributes, GraphWriter } from './graph-writer.js';
import { cellFunctions, cellOperators, peepholeOrder } from './names.js';
import { widen } from './widen.js';

/** The names of a layer's states among the graph's inputs, and outputs: of h, and of c. */
export interface StateNames {
  before: string[];
  after: string[];
}

/**
 * Declares the states of the k-th recurrent layer: `h0.k`, and `c0.k` of an LSTM, become `hn.k` and `cn.k`; each is
 * [directions, B, H].
 */
export function declareStates(graph: GraphWriter, layer: CommonLayerSpec, k: number): StateNames {
  const shape = [directionsOf(layer).length, 'B', layer.hiddenSize];
  const letters = layer.kind === 'lstm' ? ['h', 'c'] : ['h'];
  return {
    before: letters.map((letter) => graph.input(`${letter}0.${k}`, 'float32', shape)),
    after: letters.map((letter) => graph.output(`${letter}n.${k}`, shape)),
  };
}

/**
 * One node, or N of them over the same input and their joined outputs: there is no plainer way to say blocks in ONNX.
 * @param x [T, B, I]
 * @returns [T, B, directions · H]
 * @throws UnsupportedError for what ONNX's cells have not: other functions, a projection, zoneout
 */
export function writeRecurrent(
  graph: GraphWriter,
  layer: CommonLayerSpec,
  tensors: Tensors,
  x: string,
  { before, after }: StateNames,
): string {
  const { name, hiddenSize } = layer;
  if (layer.kind === 'lstm' && layer.projectionSize !== undefined) {
    throw new UnsupportedError(`layer ${show(name)}: ONNX's LSTM has no projection.`, 'onnx projectionSize');
  }
  for (const field of ['zoneout', 'zoneoutCell'] as const)
    if (field in layer)
      throw new UnsupportedError(`layer ${show(name)}: ONNX has no ${field}.`, `onnx ${field}`);
  if (blockSizesOf(layer) !== undefined) {
    const whole = asDense(layer, tensors);
    return writeRecurrent(graph, whole.layer, whole.tensors, x, { before, after });
  }
  const blocks = blocksOf(layer);
  const directions = directionsOf(layer).length;
  const attributes = attributesOf(layer);
  const numbers = Array.from({ length: blocks }, (_, n) => n);
  const firsts = before.map((state) => {
    if (blocks === 1) return [state];
    const parts = numbers.map((n) => graph.value(`${state}/${n}`));
    // Since opset 18 it has to be told how many.
    const count = graph.opset === 17 ? {} : { num_outputs: { integer: blocks } };
    graph.node('Split', name, 'split', [state], parts, { axis: { integer: 2 }, ...count });
    return parts;
  });
  const outputs = numbers.map((n) => {
    const part = blocks === 1 ? '' : `${n}`;
    const values = [
      graph.value(`${name}/${part}/Y`),
      ...after.map((state) => (blocks === 1 ? state : graph.value(`${state}/${n}`))),
    ];
    const weights = writeWeights(graph, layer, tensors, n, part === '' ? name : `${name}/${part}`);
    const [W, R, B, P = ''] = weights;
    // Optional inputs are told by their places: sequence_lens, initial_h, initial_c, P.
    const states = firsts.map((parts) => parts[n]!);
    const inputs = [x, W!, R!, B!, '', ...states, ...(P === '' ? [] : [P])];
    graph.node(cellOperators[layer.kind].op, name, part, inputs, values, attributes);
    return values;
  });
  const join = (index: number, to: string, axis: number) => {
    const parts = outputs.map((values) => values[index]!);
    if (blocks === 1) return parts[0]!;
    return graph.node('Concat', name, index === 0 ? '' : 'state', parts, [to], { axis: { integer: axis } });
  };
  for (const [i, state] of after.entries()) join(i + 1, state, 2);
  // Y is [T, directions, B, H].
  const y = join(0, graph.value(`${name}/Y`), 3);
  const out = [graph.value(`${name}/out`)];
  if (directions === 1) return graph.node('Squeeze', name, 'squeeze', [y, graph.integers([1])], out);
  const turned = [graph.value(`${name}/turned`)];
  graph.node('Transpose', name, 'turn', [y], turned, { perm: { integers: [0, 2, 1, 3] } });
  const shape = graph.integers([0, 0, directions * hiddenSize]);
  return graph.node('Reshape', name, 'reshape', [turned[0]!, shape], out);
}

/** A layer whose blocks differ in size as a dense one. */
function asDense(layer: CommonLayerSpec, tensors: Tensors): { layer: CommonLayerSpec; tensors: Tensors } {
  const { blockSizes: _, ...whole } = layer;
  const names = directionsOf(layer).map((direction) => `${layer.name}.weight_hh${endOf(direction)}`);
  const wide = names.map((name) => [name, widenBlocks(layer, tensors[name]!)]);
  return { layer: { ...whole, blocks: 1 }, tensors: { ...tensors, ...Object.fromEntries(wide) } };
}

/** weight_hh [G·H, D] as [G·H, H], with zeros off them. */
function widenBlocks(layer: CommonLayerSpec, { shape, data }: Tensor): Tensor {
  const { hiddenSize } = layer;
  const [rows, depth] = shape as [number, number];
  const wide = new Float32Array(rows * hiddenSize);
  for (const { unit, count, units } of blockRunsOf(layer)) {
    for (let row = 0; row < rows; row++) {
      const own = (row % hiddenSize) - unit;
      if (own < 0 || own >= count * units) continue;
      const first = unit + own - (own % units);
      wide.set(data.subarray(row * depth, row * depth + units), row * hiddenSize + first);
    }
  }
  return { shape: [rows, hiddenSize], data: wide };
}

function attributesOf(layer: CommonLayerSpec): Attributes {
  const attributes: Attributes = {
    hidden_size: { integer: layer.hiddenSize / blocksOf(layer) },
    ...(layer.direction === undefined ? {} : { direction: { text: layer.direction } }),
    ...(layer.clip === undefined ? {} : { clip: { float: layer.clip } }),
    ...writeFunctions(layer),
  };
  if (layer.kind === 'gru') attributes.linear_before_reset = { integer: layer.resetAfter === false ? 0 : 1 };
  if (layer.kind === 'lstm' && layer.coupled) attributes.input_forget = { integer: 1 };
  return attributes;
}

/** The functions, once for each direction; every alpha and beta that one takes, because they are told by their order. */
function writeFunctions(layer: CommonLayerSpec): Attributes {
  const given: readonly Func[] | undefined =
    layer.kind === 'elman' ? [layer.activation ?? 'tanh'] : layer.activations;
  if (given === undefined) return {};
  const all = directionsOf(layer).flatMap(() => given.map(fullFunc));
  const texts: string[] = [];
  const alphas: number[] = [];
  const betas: number[] = [];
  for (const { function: name, alpha, beta } of all) {
    const told = name === 'identity' ? 'Affine' : cellFunctions[name];
    if (told === undefined) {
      throw new UnsupportedError(
        `layer ${show(layer.name)}: ONNX's cells have no function ${name}.`,
        `onnx cell function ${name}`,
      );
    }
    texts.push(told);
    const takes = name === 'identity' ? 2 : functions[name].length;
    if (takes > 0) alphas.push(name === 'identity' ? 1 : alpha);
    if (takes > 1) betas.push(beta);
  }
  return {
    activations: { texts },
    ...(alphas.length === 0 ? {} : { activation_alpha: { floats: alphas } }),
    ...(betas.length === 0 ? {} : { activation_beta: { floats: betas } }),
  };
}

/**
 * W [directions, G·D, I], R [directions, G·D, D], B [directions, 2·G·D] and, where there are peepholes, P
 * [directions, 3·D] of block n.
 */
function writeWeights(
  graph: GraphWriter,
  layer: CommonLayerSpec,
  tensors: Tensors,
  n: number,
  node: string,
): string[] {
  const { kind, name, inputSize, hiddenSize, inputBlocks = 1 } = layer;
  const units = hiddenSize / blocksOf(layer);
  const { gates } = cellOperators[kind];
  const directions = directionsOf(layer);
  const rows = gates.length * units;
  /** rows of block n of every gate, each where ONNX has it */
  const place = (fields: readonly string[], order: readonly number[], columns: number): Float32Array => {
    const size = units * columns;
    const result = new Float32Array(directions.length * fields.length * order.length * size);
    let start = 0;
    for (const direction of directions) {
      for (const field of fields) {
        const { data } = tensors[`${name}.${field}${endOf(direction)}`]!;
        for (const [gate, to] of order.entries()) {
          const from = (gate * hiddenSize + n * units) * columns;
          result.set(data.subarray(from, from + size), start + to * size);
        }
        start += order.length * size;
      }
    }
    return result;
  };
  const width = inputSize / inputBlocks;
  const blockOf = (row: number) => Math.floor(((n * units + (row % units)) * inputBlocks) / hiddenSize);
  const W = widen(place(['weight_ih'], gates, width), width, inputBlocks, blockOf);
  const constant = (letter: string, shape: number[], data: Float32Array) =>
    graph.constant(`${node}.${letter}`, [directions.length, ...shape], data);
  return [
    constant('W', [rows, inputSize], W),
    constant('R', [rows, units], place(['weight_hh'], gates, units)),
    constant('B', [2 * rows], place(['bias_ih', 'bias_hh'], gates, 1)),
    ...(kind === 'lstm' && layer.peepholes
      ? [constant('P', [3 * units], place(['weight_peephole'], peepholeOrder, 1))]
      : []),
  ];
}
