import { ArgumentTypeError, MismatchError } from '../base/errors.js';
import { show } from '../base/guards.js';
import { cellOf } from './cells.js';
import { kindOf } from './kinds.js';
import { readOrder } from './shuffle.js';
import { isRecurrent, type LayerSpec, type ModelSpec, stripsOf } from './spec.js';
import { readStrips } from './strips.js';

/** A dense array in row-major order: the rightmost index changes fastest. */
export interface Tensor {
  /** sizes, the slowest index first */
  shape: number[];
  /** as many values as the product of the sizes */
  data: Float32Array;
}

/**
 * Weights by name: `${layer.name}.weight_ih` [G·H, I], `.weight_hh` [G·H, D], `.bias_ih` and `.bias_hh` [G·H] of a
 * recurrent layer; `.weight` [O, I] and `.bias` [O] of a linear one; `.weight` [count, size] of an embedding.
 */
export type Tensors = Record<string, Tensor>;

/**
 * Gives all values of a tensor in order, in pieces of whole rows of `width` values; `use` gets a piece and the number
 * of its first row. A piece lasts only as long as the call.
 */
export type TensorReader = (
  name: string,
  width: number,
  use: (rows: Float32Array, first: number) => void,
) => Promise<void>;

/** Reads tensors that are in memory: each is one piece. */
export function readerOf(tensors: Tensors): TensorReader {
  return async (name, _width, use) => use(tensors[name]!.data, 0);
}

/** What a model is before it is packed: its spec, its weights, and what its file says beside them. */
export interface ModelFile {
  /** its layers */
  spec: ModelSpec;
  /** exactly those that the spec implies */
  tensors: Tensors;
  /** For a byte-level model: id → byte. */
  vocab?: number[];
}

/**
 * The tensors that a layer needs, by name, with their shapes. With G gates, N blocks, D = H/N and M blocks of inputs:
 * weight_ih [G·H, I/M], weight_hh [G·H, D], bias_ih and bias_hh [G·H]; linear: weight [O, I/N], bias [O];
 * embedding: weight [count, size]. With N = 1 these are PyTorch's shapes.
 */
export function layerTensors(layer: LayerSpec): Record<string, number[]> {
  const own = kindOf(layer).tensors(layer);
  return Object.fromEntries(Object.entries(own).map(([field, shape]) => [`${layer.name}.${field}`, shape]));
}

/**
 * Checks that the tensors are exactly what the spec implies, and that strips lie within their matrix and orders are some; `spec` has been
 * through checkSpec.
 * @throws MismatchError naming the tensor and both shapes; TypeError when one is not a tensor at all
 */
export function checkTensors(spec: ModelSpec, tensors: unknown): Tensors {
  if (tensors === null || typeof tensors !== 'object') {
    throw new ArgumentTypeError(`tensors must be an object of { shape, data }, got ${show(tensors)}.`);
  }
  const checked = matchTensors(spec, tensors as Record<string, unknown>, checkTensor);
  for (const layer of spec.layers) {
    if (layer.kind === 'shuffle') readOrder(layer.name, checked[`${layer.name}.order`]!.data);
    const strips = isRecurrent(layer) ? stripsOf(layer) : undefined;
    if (!isRecurrent(layer) || strips === undefined) continue;
    const { gates } = cellOf(layer);
    readStrips(layer.name, strips, gates, layer.hiddenSize, checked[`${layer.name}.strips`]!.data);
  }
  return checked;
}

/**
 * Goes through what the spec needs, and refuses what it does not.
 * @param given by name; whatever stands for a tensor
 * @param check makes of it what is returned, or throws
 */
export function matchTensors<G, T>(
  spec: ModelSpec,
  given: Readonly<Record<string, G>>,
  check: (name: string, shape: number[], value: G) => T,
): Record<string, T> {
  const checked: Record<string, T> = {};
  for (const layer of spec.layers) {
    for (const [name, shape] of Object.entries(layerTensors(layer))) {
      const value = Object.hasOwn(given, name) ? given[name] : undefined;
      if (value === undefined)
        throw new MismatchError(`the spec needs tensor ${show(name)} ${show(shape)}; it is missing.`);
      checked[name] = check(name, shape, value);
    }
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(checked, name))
      throw new MismatchError(`tensor ${show(name)} belongs to no layer of the spec.`);
  }
  return checked;
}

/** @throws MismatchError when a tensor's shape is not the one that the spec needs */
export function checkShape(name: string, shape: readonly number[], found: readonly number[]): void {
  if (found.length !== shape.length || found.some((size, axis) => size !== shape[axis])) {
    throw new MismatchError(
      `tensor ${show(name)}: the spec needs shape ${show(shape)}, the tensor has ${show(found)}.`,
    );
  }
}

function checkTensor(name: string, shape: number[], value: unknown): Tensor {
  const tensor = value as Partial<Tensor> | null;
  if (tensor === null || typeof tensor !== 'object' || !Array.isArray(tensor.shape)) {
    throw new ArgumentTypeError(
      `tensor ${show(name)} must be { shape: number[], data: Float32Array }, got ${show(value)}.`,
    );
  }
  if (!(tensor.data instanceof Float32Array)) {
    throw new ArgumentTypeError(
      `tensor ${show(name)}: data must be a Float32Array, got ${show(tensor.data)}.`,
    );
  }
  checkShape(name, shape, tensor.shape);
  const count = shape.reduce((product, size) => product * size, 1);
  if (tensor.data.length !== count) {
    throw new MismatchError(
      `tensor ${show(name)}: shape ${show(shape)} needs ${count} values, data has ${tensor.data.length}.`,
    );
  }
  return { shape: [...shape], data: tensor.data };
}
