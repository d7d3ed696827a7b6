import { MismatchError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { concatArrays, sizeOf, sliceArray, transposeArray } from './arrays.js';
import { type Axis, axisOf, type Extent, extentOf, features, joined, regroup, streams } from './axes.js';
import { inputOf, listOf, numbersOf, sizesOf } from './inputs.js';
import { joinFlows } from './joins.js';
import { widthOf } from './links.js';
import type { Node } from './proto.js';
import { type ArrayValue, type Flow, nameNode, type Sizes, unsupported, type Value } from './values.js';
import type { Walk } from './walk.js';

/**
 * Operators that move elements and change none. Each is done to what it is given: to the elements of an array, to the
 * axes of a flow.
 */

/** `axis` counted from the front. @throws MismatchError when there is none */
export function placeOf(node: Node, axis: number, rank: number): number {
  const place = axis < 0 ? axis + rank : axis;
  if (!(place >= 0 && place < rank))
    throw new MismatchError(`${nameNode(node)}: there is no axis ${axis} of ${rank}.`);
  return place;
}

export function rankOf(node: Node, value: Value): number {
  if (value.kind === 'flow') return value.axes.length;
  if (value.kind === 'constant' || value.kind === 'state') return value.dims.length;
  throw unsupported(node, 'it moves the axes of a shape', 'input');
}

/** Whatever is done to the axes of a value that is all one number, it stays that. */
function isPlain(value: Value): boolean {
  return value.kind === 'fill';
}

/** Does the same to an array and to the flow that it also is; a flow that cannot be moved so is forgotten. */
function beside(array: ArrayValue, move: (flow: Flow) => Value): Flow | undefined {
  if (array.flow === undefined) return undefined;
  try {
    const moved = move(array.flow);
    return moved.kind === 'flow' ? moved : undefined;
  } catch {
    return undefined;
  }
}

export function permute(walk: Walk, node: Node): readonly Value[] {
  const value = inputOf(walk, node, 0);
  if (isPlain(value)) return [value];
  const rank = rankOf(node, value);
  const perm = node.attributes.get('perm')?.integers ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (perm.length !== rank || [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i))
    throw new MismatchError(`${nameNode(node)}: ${show(perm)} is no order of ${rank} axes.`);
  const move = (moved: Value): Value => {
    if (moved.kind === 'flow') return { ...moved, axes: perm.map((axis) => moved.axes[axis]!) };
    const array = moved as ArrayValue;
    walk.spend(sizeOf(array.dims));
    const data = transposeArray(array.data(), array.dims, perm);
    return {
      ...array,
      dims: perm.map((axis) => array.dims[axis]!),
      batch: array.batch === undefined ? undefined : perm.indexOf(array.batch),
      data: () => data,
      numbers: undefined,
      flow: beside(array, move),
    };
  };
  return [move(value)];
}

/** Another list of axes over the same elements; `places` tells for each new axis which old one it is, −1 for none. */
export function relist(value: Value, places: readonly number[]): Value {
  if (value.kind === 'flow') return { ...value, axes: places.map((place) => value.axes[place] ?? []) };
  const array = value as ArrayValue;
  return {
    ...array,
    dims: places.map((place) => array.dims[place] ?? 1),
    batch: array.batch === undefined ? undefined : places.indexOf(array.batch),
    flow: beside(array, (flow) => relist(flow, places)),
  };
}

export function squeeze(walk: Walk, node: Node): readonly Value[] {
  const value = inputOf(walk, node, 0);
  if (isPlain(value)) return [value];
  if (value.kind === 'sizes') {
    if (value.items.length !== 1) throw unsupported(node, 'it squeezes a shape', 'input');
    return [{ ...value, isScalar: true }];
  }
  const rank = rankOf(node, value);
  const isOne = (place: number) =>
    value.kind === 'flow'
      ? value.axes[place]!.length === 0
      : (value as ArrayValue).dims[place] === 1 && (value as ArrayValue).batch !== place;
  const given = numbersOf(walk, node, 'axes', 1)?.map((axis) => placeOf(node, axis, rank));
  for (const place of given ?? []) {
    if (!isOne(place)) throw unsupported(node, `axis ${place} of its input is not known to be 1`, 'axes');
  }
  const places = Array.from({ length: rank }, (_, place) => place);
  return [
    relist(
      value,
      places.filter((place) => !(given === undefined ? isOne(place) : given.includes(place))),
    ),
  ];
}

export function unsqueeze(walk: Walk, node: Node): readonly Value[] {
  const value = inputOf(walk, node, 0);
  if (isPlain(value)) return [value];
  const axes = numbersOf(walk, node, 'axes', 1) ?? [];
  const sizes = sizesOf(value);
  if (sizes?.isScalar && axes.length === 1) return [{ ...sizes, isScalar: false }];
  const rank = rankOf(node, value) + axes.length;
  if (rank > 16) throw unsupported(node, 'it gives more than 16 axes', 'axes');
  const added = new Set(axes.map((axis) => placeOf(node, axis, rank)));
  if (added.size !== axes.length) throw new MismatchError(`${nameNode(node)}: an axis is given twice.`);
  let next = 0;
  return [
    relist(
      value,
      Array.from({ length: rank }, (_, place) => (added.has(place) ? -1 : next++)),
    ),
  ];
}

/** Reshape, and Flatten, which is one. */
export function reshape(walk: Walk, node: Node): readonly Value[] {
  const value = inputOf(walk, node, 0);
  if (isPlain(value)) return [value];
  if (value.kind === 'sizes') return [value];
  const rank = rankOf(node, value);
  let to: readonly Extent[];
  if (node.op === 'Flatten') {
    const given = node.attributes.get('axis')?.integer ?? 1;
    const axis = given === rank ? rank : placeOf(node, given, rank);
    const axes = value.kind === 'flow' ? value.axes : axesOf(value as ArrayValue);
    to = [axes.slice(0, axis), axes.slice(axis)].map((part) => extentOf(part.flat()));
  } else {
    to = listOf(walk, node, 'shape', 1) ?? [];
  }
  if (to.length > 16) throw unsupported(node, 'it gives more than 16 axes', 'shape');
  const zeroIsSize = node.op === 'Flatten' || (node.attributes.get('allowzero')?.integer ?? 0) !== 0;
  const move = (moved: Value): Value => {
    const axes = regroup(moved.kind === 'flow' ? moved.axes : axesOf(moved as ArrayValue), to, zeroIsSize);
    if (axes === undefined)
      throw unsupported(node, 'it cannot be shown to keep steps, streams and features apart', 'shape');
    if (moved.kind === 'flow') return { ...moved, axes };
    const array = moved as ArrayValue;
    const isBatch = (axis: Axis) => axis.some((atom) => atom.axis === streams);
    const batch = axes.findIndex(isBatch);
    if (batch >= 0 && (axes[batch]!.length > 1 || axes.filter(isBatch).length > 1))
      throw unsupported(node, 'it puts streams and units of a state into one axis', 'shape');
    const dims = axes.map((axis) => (isBatch(axis) ? 1 : extentOf(axis).count));
    return { ...array, dims, batch: batch < 0 ? undefined : batch, flow: beside(array, move) };
  };
  return [move(value)];
}

/** Axes of an array; its numbers tell where elements are, so all that matters is which axis is that of streams. */
function axesOf({ dims, batch, streams: count }: ArrayValue): Axis[] {
  return dims.map((size, place) => axisOf(place === batch ? streams : place, place === batch ? count : size));
}

/** Elements [from, to) of an axis. */
export function cut(walk: Walk, node: Node, value: Value, axis: number, from: number, to: number): Value {
  if (value.kind === 'flow') {
    const [atom, ...others] = joined(value.axes[axis]!);
    const width = widthOf(node, value);
    // Parts of the slowest axis of the features are side by side.
    if (atom?.axis !== features || others.length > 0 || atom.size! * atom.stride !== width)
      throw unsupported(node, `it takes a part of axis ${axis}, which is not the features`, 'axes');
    const { stride } = atom;
    const part: Axis = to - from === 1 ? [] : [{ axis: features, size: to - from, stride }];
    const axes = value.axes.map((old, place) => (place === axis ? part : old));
    const start = value.from + from * stride;
    return { ...value, axes, width: (to - from) * stride, from: start, cutBy: node };
  }
  const array = value as ArrayValue;
  const dims = array.dims.map((size, place) => (place === axis ? to - from : size));
  walk.spend(sizeOf(dims));
  const data = sliceArray(array.data(), array.dims, axis, from, to);
  return { ...array, dims, data: () => data, numbers: undefined, flow: undefined };
}

function sizeOfAxis({ axes, width }: Flow, axis: number): number | undefined {
  const { count, unknown } = extentOf(axes[axis]!);
  if (unknown.length === 0) return count;
  return unknown.length === 1 && unknown[0] === features ? width : undefined;
}

export function lengthOf(node: Node, value: Value, axis: number): number {
  if (value.kind === 'state' && value.batch === axis)
    throw unsupported(node, `it takes a part of axis ${axis}, which is that of streams`, 'axes');
  const size = value.kind === 'flow' ? sizeOfAxis(value, axis) : (value as ArrayValue).dims[axis];
  if (size === undefined) throw unsupported(node, `the size of axis ${axis} is not known beforehand`, 'axes');
  return size;
}

export function slice(walk: Walk, node: Node): readonly Value[] {
  const value = inputOf(walk, node, 0);
  if (isPlain(value)) return [value];
  const starts = numbersOf(walk, node, 'starts', 1) ?? [];
  const ends = numbersOf(walk, node, 'ends', 2) ?? [];
  const axes = numbersOf(walk, node, 'axes', 3) ?? starts.map((_, place) => place);
  const steps = numbersOf(walk, node, 'steps', 4) ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.some((step) => step !== 1))
    throw unsupported(node, 'it takes every so many elements, or its inputs differ in length', 'steps');
  const sizes = sizesOf(value);
  if (sizes !== undefined && !sizes.isScalar && axes.length === 1) {
    return [{ ...sizes, items: sizes.items.slice(starts[0], ends[0]) }];
  }
  const rank = rankOf(node, value);
  let result: Value = value;
  for (const [i, given] of axes.entries()) {
    const axis = placeOf(node, given, rank);
    // From the first element to beyond any last: all, however many there are.
    if (starts[i] === 0 && ends[i]! >= 2 ** 31 - 1) continue;
    const length = lengthOf(node, result, axis);
    const clamp = (at: number) => Math.min(Math.max(at < 0 ? at + length : at, 0), length);
    const from = clamp(starts[i]!);
    const to = clamp(ends[i]!);
    if (from >= to) throw unsupported(node, `it takes nothing of axis ${axis}`, 'axes');
    if (value.kind === 'flow' && value.axes[axis]!.length === 0) continue;
    if (from > 0 || to < length || value.kind === 'flow') result = cut(walk, node, result, axis, from, to);
  }
  return [result];
}

export function split(walk: Walk, node: Node): readonly Value[] {
  const value = inputOf(walk, node, 0);
  const count = node.outputs.length;
  if (isPlain(value)) return node.outputs.map(() => value);
  const axis = placeOf(node, node.attributes.get('axis')?.integer ?? 0, rankOf(node, value));
  const length = lengthOf(node, value, axis);
  const part = Math.ceil(length / count);
  const sizes =
    numbersOf(walk, node, 'split', 1) ?? node.outputs.map((_, i) => Math.min(part, length - i * part));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (sizes.length !== count || total !== length || sizes.some((size) => !(size > 0)))
    throw new MismatchError(`${nameNode(node)}: ${show(sizes)} are no ${count} parts of ${length}.`);
  let from = 0;
  return sizes.map((size) => cut(walk, node, value, axis, from, (from += size)));
}

export function concat(walk: Walk, node: Node): readonly Value[] {
  const values = node.inputs.map((_, index) => inputOf(walk, node, index));
  const [first] = values;
  if (first === undefined) throw new MismatchError(`${nameNode(node)} needs an input.`);
  if (values.length === 1) return [first];
  const sizes = values.map(sizesOf);
  if (sizes.every((list): list is Sizes => list !== undefined && !list.isScalar)) {
    walk.spend(sizes.reduce((sum, { items }) => sum + items.length, 0));
    return [{ kind: 'sizes', isScalar: false, items: sizes.flatMap(({ items }) => items) }];
  }
  if (values.every((value) => value.kind === 'fill' && value.value === (first as { value?: number }).value))
    return [first];
  const axis = placeOf(node, node.attributes.get('axis')?.integer ?? 0, rankOf(node, first));
  if (values.every((value): value is Flow => value.kind === 'flow'))
    return [joinFlows(walk, node, values, axis)];
  const arrays = values.filter((value): value is ArrayValue => value.kind === first.kind && 'dims' in value);
  const { dims, batch } = arrays[0] ?? { dims: [] };
  const fits = arrays.every(
    (array) =>
      array.batch === batch &&
      array.dims.length === dims.length &&
      array.isInteger === arrays[0]!.isInteger &&
      array.dims.every((size, place) => place === axis || size === dims[place]),
  );
  if (arrays.length !== values.length || !fits || batch === axis)
    throw unsupported(node, 'it joins values that are not alike', 'input');
  const width = arrays.reduce((sum, array) => sum + array.dims[axis]!, 0);
  const joined = dims.map((size, place) => (place === axis ? width : size));
  walk.spend(sizeOf(joined));
  const data = concatArrays(
    arrays.map((array) => ({ data: array.data(), dims: array.dims })),
    axis,
  );
  return [{ ...arrays[0]!, dims: joined, data: () => data, numbers: undefined, flow: undefined }];
}
