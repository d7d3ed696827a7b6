import { MismatchError } from '../../base/errors.js';
import type { Extent } from './axes.js';
import type { Node } from './proto.js';
import { nameNode, type Sizes, type Value } from './values.js';
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
