import { MismatchError } from '../../base/errors.js';
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

/** The output of layers that a node reads. */
export function flowOf(node: Node, value: Value, index = 0): Flow {
  const flow = value.kind === 'state' ? value.flow : value;
  if (flow?.kind === 'flow') return flow;
  const what = value.kind === 'state' ? 'a state' : 'a constant';
  throw unsupported(node, `its input ${index} is ${what}, not the output of a layer`, 'input');
}

export function constantInput(node: Node, value: Value, index: number): ArrayValue {
  if (value.kind === 'constant') return value;
  throw unsupported(node, `its input ${index} is not constant`, 'input');
}

/** Refuses a flow whose axis is not all of the features, alone and in order. */
export function expectFeatures(
  walk: Walk,
  node: Node,
  flow: Flow,
  axis = flow.axes.length - 1,
  cut = false,
): void {
  const whole = axis < 0 ? undefined : walk.whole(flow.axes[axis]!, flow);
  const isThem = flow.width === 1 ? whole === 'one' : whole === features;
  if (flow.isIds || !isThem) {
    throw unsupported(
      node,
      `axis ${axis} of its input is not the features that the layer before gives`,
      'axes',
    );
  }
  if (!cut && isCut(walk, flow)) throw unsupported(node, 'it reads a part of the features', 'axes');
}

export function isCut(walk: Walk, { chain, from, width }: Flow): boolean {
  return from !== 0 || width !== (chain === undefined ? walk.width : chain.width);
}
