import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { integer, oneOf, show } from '../base/guards.js';

/** Looks a row of `weight` up for each id. ids [T, B] → y [T, B, size]. Only as the first layer. */
export interface EmbeddingSpec {
  kind: 'embedding';
  /** its tensor is `${name}.weight` [count, size] */
  name: string;
  /** number of rows; ids are within 0..count-1 */
  count: number;
  /** number of outputs per id */
  size: number;
}

interface RecurrentSpec {
  /** its tensors are `${name}.weight_ih`, `.weight_hh`, `.bias_ih` and `.bias_hh` */
  name: string;
  /** I */
  inputSize: number;
  /** H */
  hiddenSize: number;
  /** N, a divisor of H: 1 is dense, H is diagonal. Default 1. */
  blocks?: number;
}

/** torch.nn.LSTM's equations; gates i f g o. */
export interface LstmSpec extends RecurrentSpec {
  kind: 'lstm';
}

/**
 * Gates r z n. `resetAfter: true` (default) is torch.nn.GRU: n = tanh(Wx + b + r (Uh + c));
 * `false` is Cho et al. 2014 and ONNX's default: n = tanh(Wx + b + U (r h) + c).
 */
export interface GruSpec extends RecurrentSpec {
  kind: 'gru';
  /** whether the reset gate is applied after the recurrent product; default true */
  resetAfter?: boolean;
}

/** torch.nn.RNN's equation: h' = f(Wx + b + Uh + c). */
export interface ElmanSpec extends RecurrentSpec {
  kind: 'elman';
  /** default 'tanh' */
  activation?: 'tanh' | 'relu';
}

/** y = x weightᵀ + bias; weight [O, I]. The bias may be left out of the tensors when `bias` is false. */
export interface LinearSpec {
  kind: 'linear';
  /** its tensors are `${name}.weight` [O, I] and `${name}.bias` [O] */
  name: string;
  /** I */
  inputSize: number;
  /** O */
  outputSize: number;
  /** default true */
  bias?: boolean;
}

export const activations = ['tanh', 'sigmoid', 'relu', 'softmax', 'logSoftmax'] as const;

/** An element-wise function, or a softmax over the features of each step and stream. */
export interface ActivationSpec {
  kind: 'activation';
  /** unlike every other layer's; it has no tensors */
  name: string;
  /** which function */
  activation: (typeof activations)[number];
}

/** A layer with a recurrent state. */
export type RecurrentLayerSpec = LstmSpec | GruSpec | ElmanSpec;
/** A layer of a stack. Every size is within 1..131072, and names differ. */
export type LayerSpec = EmbeddingSpec | RecurrentLayerSpec | LinearSpec | ActivationSpec;

/** A stack of layers: each reads the one before it. Plain data; survives JSON. */
export interface ModelSpec {
  /** from the input to the output, 1..1000; each one's inputSize is the width of the one before */
  layers: LayerSpec[];
}

/** No size in a spec may be larger: products of three of them then stay exact in a double. */
export const maxSize = 2 ** 17;
const maxLayers = 1000;

export function isRecurrent(layer: LayerSpec): layer is RecurrentLayerSpec {
  return layer.kind === 'lstm' || layer.kind === 'gru' || layer.kind === 'elman';
}

/** N of a recurrent layer. */
export function blocksOf(layer: RecurrentLayerSpec): number {
  return layer.blocks ?? 1;
}

/** Width of a layer's output, given the width of its input. */
export function outputWidth(layer: LayerSpec, input: number): number {
  switch (layer.kind) {
    case 'embedding':
      return layer.size;
    case 'linear':
      return layer.outputSize;
    case 'activation':
      return input;
    default:
      return layer.hiddenSize;
  }
}

/**
 * Checks a spec that may come from anywhere and returns a fresh copy with every default written out.
 * @throws TypeError, RangeError naming the layer and the field
 */
export function checkSpec(value: unknown): ModelSpec {
  if (value === null || typeof value !== 'object' || !Array.isArray((value as ModelSpec).layers)) {
    throw new ArgumentTypeError(`a spec must be an object { layers: [...] }, got ${show(value)}.`);
  }
  const { layers } = value as { layers: unknown[] };
  if (layers.length === 0 || layers.length > maxLayers) {
    throw new ArgumentRangeError(`a spec must have 1..${maxLayers} layers, got ${layers.length}.`);
  }
  const names = new Set<string>();
  const checked: LayerSpec[] = [];
  let width: number | undefined;
  for (const [index, entry] of layers.entries()) {
    const layer = checkLayer(entry, index);
    if (names.has(layer.name)) throw new ArgumentRangeError(`two layers are named ${show(layer.name)}.`);
    names.add(layer.name);
    const where = `layer ${index} (${layer.name})`;
    if (layer.kind === 'embedding') {
      if (index > 0)
        throw new ArgumentRangeError(`${where}: an embedding takes ids, so it can only be the first layer.`);
    } else if (layer.kind === 'activation') {
      if (width === undefined)
        throw new ArgumentRangeError(`${where}: an activation needs a layer before it.`);
    } else if (width !== undefined && layer.inputSize !== width) {
      throw new ArgumentRangeError(
        `${where}: inputSize is ${layer.inputSize}, but the layer before it gives ${width}.`,
      );
    }
    width = outputWidth(layer, width ?? 0);
    checked.push(layer);
  }
  return { layers: checked };
}

function checkLayer(value: unknown, index: number): LayerSpec {
  if (value === null || typeof value !== 'object') {
    throw new ArgumentTypeError(`layer ${index} must be an object, got ${show(value)}.`);
  }
  const layer = value as Record<string, unknown>;
  const kind = oneOf(layer.kind, `layer ${index}: kind`, [
    'embedding',
    'lstm',
    'gru',
    'elman',
    'linear',
    'activation',
  ]);
  if (typeof layer.name !== 'string' || layer.name === '' || layer.name.length > 500) {
    throw new ArgumentTypeError(
      `layer ${index}: name must be a string of 1..500 characters, got ${show(layer.name)}.`,
    );
  }
  const { name } = layer;
  const size = (field: string) => integer(layer[field], `layer ${index} (${name}): ${field}`, 1, maxSize);
  switch (kind) {
    case 'embedding':
      return { kind, name, count: size('count'), size: size('size') };
    case 'linear':
      return {
        kind,
        name,
        inputSize: size('inputSize'),
        outputSize: size('outputSize'),
        bias: flag(layer.bias, true, `layer ${index} (${name}): bias`),
      };
    case 'activation':
      return {
        kind,
        name,
        activation: oneOf(layer.activation, `layer ${index} (${name}): activation`, activations),
      };
    default: {
      const shared = { name, inputSize: size('inputSize'), hiddenSize: size('hiddenSize'), blocks: 1 };
      if (layer.blocks !== undefined) shared.blocks = size('blocks');
      if (shared.hiddenSize % shared.blocks !== 0) {
        throw new ArgumentRangeError(
          `layer ${index} (${name}): blocks must divide hiddenSize; ${shared.blocks} does not divide ${shared.hiddenSize}.`,
        );
      }
      if (kind === 'lstm') return { kind, ...shared };
      if (kind === 'gru') {
        return {
          kind,
          ...shared,
          resetAfter: flag(layer.resetAfter, true, `layer ${index} (${name}): resetAfter`),
        };
      }
      const activation = oneOf(layer.activation ?? 'tanh', `layer ${index} (${name}): activation`, [
        'tanh',
        'relu',
      ]);
      return { kind, ...shared, activation };
    }
  }
}

function flag(value: unknown, otherwise: boolean, what: string): boolean {
  if (value === undefined) return otherwise;
  if (typeof value !== 'boolean')
    throw new ArgumentTypeError(`${what} must be true or false, got ${show(value)}.`);
  return value;
}
