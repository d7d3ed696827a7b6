import { MismatchError } from '../../base/errors.js';
import { sizeOf } from './arrays.js';
import { type Extent, features } from './axes.js';
import type { Node } from './proto.js';
import { type ArrayValue, type Flow, nameNode, type Sizes, unsupported, type Value } from './values.js';
import type { Walk } from './walk.js';

/** What a node makes of its inputs. */
export type Operator = (walk: Walk, node: Node) => readonly Value[];

export function inputOf(walk: Walk, node: Node, index: number): Value {
  const name = node.inputs[index] ?? '';
  if (name === '') throw new MismatchError(`${nameNode(node)} needs an input ${index}.`);
  return walk.get(name, node.at);
}

export function optionalInput(walk: Walk, node: Node, index: number): Value | undefined {
  return (node.inputs[index] ?? '') === '' ? undefined : inputOf(walk, node, index);
}

/** A value as sizes, where it is a list of integers. */
export function sizesOf(value: Value): Sizes | undefined {
  if (value.kind === 'sizes') return value;
  if (value.kind !== 'constant' || !value.isInteger || value.dims.length > 1 || value.numbers === undefined)
    return undefined;
  const items = value.numbers().map((count): Extent => ({ count, unknown: [] }));
  return { kind: 'sizes', isScalar: value.dims.length === 0, items };
}

const nouns: Readonly<Record<string, string>> = {
  reduced: 'mean of features',
  sizes: 'shape',
  fill: 'constant',
};

/** The output of layers that a node reads. */
export function flowOf(node: Node, value: Value, index = 0): Flow {
  const flow = value.kind === 'state' ? value.flow : value;
  if (flow?.kind === 'flow') return flow;
  const what = value.kind === 'constant' ? 'a constant' : `a ${nouns[value.kind] ?? value.kind}`;
  throw unsupported(node, `its input ${index} is ${what}, not the output of a layer`, 'input');
}

export function constantInput(node: Node, value: Value, index: number): ArrayValue {
  if (value.kind === 'constant') return value;
  throw unsupported(node, `its input ${index} is not constant`, 'input');
}

/** Refuses a flow whose axis is not all of its features, alone and in order. */
export function expectFeatures(walk: Walk, node: Node, flow: Flow, axis = flow.axes.length - 1): void {
  if (!isFeatures(walk, flow, axis) || flow.isIds) {
    throw unsupported(
      node,
      `axis ${axis} of its input is not the features that the layer before gives`,
      'axes',
    );
  }
}

export function isFeatures(walk: Walk, flow: Flow, axis: number): boolean {
  const whole = axis < 0 ? undefined : walk.whole(flow.axes[axis]!, flow);
  return flow.width === 1 ? whole === 'one' : whole === features;
}

/** A list of integers that is an attribute or, in later opsets, an input. */
export function listOf(walk: Walk, node: Node, name: string, index: number): readonly Extent[] | undefined {
  const attribute = node.attributes.get(name);
  if (attribute !== undefined) return attribute.integers.map((count) => ({ count, unknown: [] }));
  const value = optionalInput(walk, node, index);
  if (value === undefined) return undefined;
  const sizes = sizesOf(value);
  if (sizes === undefined) throw unsupported(node, `input ${name} is not known beforehand`, name);
  return sizes.items;
}

export function numbersOf(walk: Walk, node: Node, name: string, index: number): number[] | undefined {
  return listOf(walk, node, name, index)?.map(({ count, unknown }) => {
    if (unknown.length > 0) throw unsupported(node, `${name} is not known beforehand`, name);
    return count;
  });
}

export function isZero(walk: Walk, value: Value): boolean {
  if (value.kind === 'fill') return value.value === 0;
  if (value.kind !== 'constant') return false;
  walk.spend(sizeOf(value.dims));
  return value.data().every((number) => number === 0);
}
