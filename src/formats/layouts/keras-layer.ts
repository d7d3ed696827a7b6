import { MismatchError, UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { Func } from '../../model/functions.js';
import type { LayerSpec } from '../../model/spec.js';
import type { Tensors } from '../../model/tensors.js';
import type { Arrays } from './arrays.js';
import type { KerasLayer } from './keras-names.js';
import { gateOrder, permute, transpose, zeros } from './transpose.js';

/** A layer of Keras, seen through the names and shapes of its weights. */
export interface KerasPiece {
  kind: 'embedding' | 'lstm' | 'gru' | 'elman' | 'linear' | 'norm' | 'scale';
  layer: KerasLayer;
  /** undefined for ids */
  reads: number | undefined;
  gives: number;
  /** H of a recurrent layer */
  hiddenSize: number;
  /** of a GRU: what its bias tells; undefined where it has none */
  resetAfter?: boolean;
}

/** What else is known of a layer. */
export interface Told {
  activation?: Func;
  recurrentActivation?: Func;
  resetAfter?: boolean;
  /** of a normalisation */
  epsilon?: number;
}

/** By G: rows of a recurrent kernel over H. Where this package's gates lie in Keras's order, i f c o and z r h. */
const cells = {
  1: { kind: 'elman', order: [0] },
  3: { kind: 'gru', order: [1, 0, 2] },
  4: { kind: 'lstm', order: [0, 1, 2, 3] },
} as const;

/**
 * Tells what a layer is: its kind and its widths.
 * @throws MismatchError when its shapes contradict each other; UnsupportedError for a layer that is not done
 */
export function describe(layer: KerasLayer, arrays: Arrays): KerasPiece {
  const shapeOf = (part: string) => {
    const name = layer.forward.get(part);
    return name === undefined ? undefined : arrays.shapeOf(name);
  };
  if (layer.forward.has('recurrent_kernel')) return describeCell(layer, shapeOf);
  const shapes = [...layer.forward.values()].map((name) => arrays.shapeOf(name)!);
  if (shapes.every(({ length }) => length === 1) && (shapes.length === 2 || shapes.length === 4)) {
    const width = shapes[0]![0]!;
    const kind = shapes.length === 4 ? 'scale' : 'norm';
    return { kind, layer, reads: width, gives: width, hiddenSize: 0 };
  }
  const isTable = layer.forward.has('embeddings') || /emb/i.test(layer.path);
  const [rows = 0, columns = 0] = shapes.find(({ length }) => length === 2) ?? [];
  if (shapes.length === 1 && shapes[0]!.length === 2 && isTable)
    return { kind: 'embedding', layer, reads: undefined, gives: columns, hiddenSize: 0 };
  const lengths = shapes.map(({ length }) => length).sort();
  if (lengths.join() === '2' || lengths.join() === '1,2')
    return { kind: 'linear', layer, reads: rows, gives: columns, hiddenSize: 0 };
  const list = [...layer.forward.values()]
    .slice(0, 4)
    .map((name) => `${show(name)} ${show(arrays.shapeOf(name))}`);
  throw new UnsupportedError(
    `layer ${show(layer.name)} (${list.join(', ')}) is not done. LSTM, GRU, SimpleRNN, Bidirectional, Dense, Embedding, ` +
      'LayerNormalization and BatchNormalization are.',
    'Keras layer',
  );
}

function describeCell(
  layer: KerasLayer,
  shapeOf: (part: string) => readonly number[] | undefined,
): KerasPiece {
  const name = layer.forward.get('recurrent_kernel')!;
  const recurrent = shapeOf('recurrent_kernel')!;
  const [hiddenSize = 0, columns = 0] = recurrent;
  const found = cells[(columns / hiddenSize) as keyof typeof cells];
  if (found === undefined || recurrent.length !== 2) {
    const known = '[H, 4·H] for an LSTM, [H, 3·H] for a GRU, [H, H] for a SimpleRNN';
    throw new MismatchError(`tensor ${show(name)} has shape ${show(recurrent)}; Keras's are ${known}.`);
  }
  const kernel = shapeOf('kernel');
  if (kernel === undefined)
    throw new MismatchError(`the kernel of layer ${show(layer.name)} is missing; ${show(name)} is there.`);
  const directions = layer.backward.size > 0 ? 2 : 1;
  const bias = shapeOf('bias');
  return {
    kind: found.kind,
    layer,
    reads: kernel[0] ?? 0,
    gives: directions * hiddenSize,
    hiddenSize,
    ...(found.kind === 'gru' && bias !== undefined ? { resetAfter: bias.length === 2 } : {}),
  };
}

/**
 * Makes a layer of this package.
 * @param name of the layer
 * @returns the layer, dense, with its tensors
 * @throws MismatchError when an array is missing or of another shape
 */
export function makeLayer(
  piece: KerasPiece,
  name: string,
  told: Told,
  arrays: Arrays,
): { layer: LayerSpec; tensors: Tensors } {
  const { kind, layer: source, gives } = piece;
  if (kind === 'lstm' || kind === 'gru' || kind === 'elman') return makeRecurrent(piece, name, told, arrays);
  const parts = [...source.forward.values()];
  const tensors: Tensors = {};
  if (kind === 'embedding') {
    const table = arrays.take(parts[0]!, [-1, gives], 'an embedding is [V, E]');
    tensors[`${name}.weight`] = table;
    return { layer: { kind, name, count: table.shape[0]!, size: gives }, tensors };
  }
  if (kind === 'linear') {
    const inputSize = piece.reads!;
    const kernelName = parts.find((part) => arrays.shapeOf(part)!.length === 2)!;
    const kernel = arrays.take(kernelName, [inputSize, gives], 'a kernel is [I, O]');
    tensors[`${name}.weight`] = transpose(kernel.data, inputSize, gives);
    const biasName = parts.find((part) => part !== kernelName);
    if (biasName !== undefined) {
      const why = `${show(kernelName)} [${inputSize}, ${gives}] implies [${gives}]`;
      tensors[`${name}.bias`] = arrays.take(biasName, [gives], why);
    }
    const bias = biasName !== undefined;
    return { layer: { kind, name, inputSize, outputSize: gives, bias }, tensors };
  }
  return makeNorm(piece, name, told, arrays);
}

function makeRecurrent(
  piece: KerasPiece,
  name: string,
  told: Told,
  arrays: Arrays,
): { layer: LayerSpec; tensors: Tensors } {
  const { layer: source, hiddenSize, reads } = piece;
  const kind = piece.kind as 'lstm' | 'gru' | 'elman';
  const inputSize = reads!;
  const resetAfter = piece.resetAfter ?? told.resetAfter;
  if (kind === 'gru' && resetAfter === undefined) {
    throw new MismatchError(
      `layer ${show(source.name)} is a GRU without a bias, so its shapes do not tell whether reset_after is True. Give ` +
        'the option resetAfter, or the config.',
    );
  }
  const { order } = Object.values(cells).find((cell) => cell.kind === kind)!;
  const columns = order.length * hiddenSize;
  const place = gateOrder(order, hiddenSize);
  const tensors: Tensors = {};
  const isBoth = source.backward.size > 0;
  for (const [parts, end] of [[source.forward, ''] as const, [source.backward, '_reverse'] as const]) {
    if (parts.size === 0) continue;
    const why = (shape: string) =>
      `${show(source.forward.get('recurrent_kernel'))} [${hiddenSize}, ${columns}] implies ${shape}`;
    const take = (part: string, shape: number[]) =>
      arrays.take(parts.get(part) ?? `${source.path}/${part}`, shape, why(show(shape)));
    const kernel = take('kernel', [inputSize, columns]);
    const recurrent = take('recurrent_kernel', [hiddenSize, columns]);
    tensors[`${name}.weight_ih${end}`] = transpose(kernel.data, inputSize, columns, place);
    tensors[`${name}.weight_hh${end}`] = transpose(recurrent.data, hiddenSize, columns, place);
    let [biasIh, biasHh] = [zeros(columns), zeros(columns)];
    if (parts.has('bias')) {
      const isDouble = kind === 'gru' && resetAfter === true;
      const { data } = take('bias', isDouble ? [2, columns] : [columns]);
      biasIh = permute(data.subarray(0, columns), place);
      if (isDouble) biasHh = permute(data.subarray(columns), place);
    }
    tensors[`${name}.bias_ih${end}`] = biasIh;
    tensors[`${name}.bias_hh${end}`] = biasHh;
  }
  const { activation = 'tanh', recurrentActivation = 'sigmoid' } = told;
  const shared = {
    name,
    inputSize,
    hiddenSize,
    blocks: 1,
    ...(isBoth ? { direction: 'bidirectional' as const } : {}),
  };
  if (kind === 'elman') return { layer: { kind, ...shared, activation }, tensors };
  if (kind === 'lstm')
    return {
      layer: { kind, ...shared, activations: [recurrentActivation, activation, activation] },
      tensors,
    };
  const activations = [recurrentActivation, activation];
  return { layer: { kind, ...shared, resetAfter: resetAfter!, activations }, tensors };
}

/**
 * LayerNormalization (gamma, beta), and BatchNormalization with the mean and variance that it has learned:
 * y = gamma (x − mean) / √(variance + epsilon) + beta, which is one factor and one term a feature.
 */
function makeNorm(
  { kind, layer: source, gives: size }: KerasPiece,
  name: string,
  { epsilon = 1e-3 }: Told,
  arrays: Arrays,
): { layer: LayerSpec; tensors: Tensors } {
  const take = (part: string, index: string) => {
    const found = source.forward.get(part) ?? source.forward.get(index) ?? `${source.path}/${part}`;
    return arrays.take(found, [size], `layer ${show(source.name)} has ${size} features`);
  };
  const gamma = take('gamma', '0');
  const beta = take('beta', '1');
  const [weight, bias] = [`${name}.weight`, `${name}.bias`];
  if (kind === 'norm')
    return {
      layer: { kind, name, size, norm: 'layer', groups: 1, epsilon },
      tensors: { [weight]: gamma, [bias]: beta },
    };
  const mean = take('moving_mean', '2').data;
  const variance = take('moving_variance', '3').data;
  const factor = gamma.data.map((value, k) => value / Math.sqrt(variance[k]! + epsilon));
  const term = beta.data.map((value, k) => value - mean[k]! * factor[k]!);
  return {
    layer: { kind: 'scale', name, size },
    tensors: { [weight]: { shape: [size], data: factor }, [bias]: { shape: [size], data: term } },
  };
}
