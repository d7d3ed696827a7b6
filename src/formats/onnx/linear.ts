import { MismatchError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { sizeOf } from './arrays.js';
import { axisOf, features } from './axes.js';
import { constantInput, expectFeatures, flowOf, inputOf, optionalInput } from './inputs.js';
import { sourceOf, sourcesOf } from './links.js';
import { plus } from './pointwise.js';
import type { Node } from './proto.js';
import { type ArrayValue, type Flow, nameNode, unsupported, type Value } from './values.js';
import type { Walk } from './walk.js';

/** Products with a constant matrix, and what is added to them: linear layers. */

export function matMul(walk: Walk, node: Node): readonly Value[] {
  const x = flowOf(node, inputOf(walk, node, 0));
  const factor = constantInput(node, inputOf(walk, node, 1), 1);
  expectFeatures(walk, node, x);
  if (factor.dims.length !== 2 || x.axes.length < 2)
    throw unsupported(node, `it multiplies by a constant ${show(factor.dims)}, not by a matrix`, 'shape');
  return [linear(walk, node, x, factor, false, 1)];
}

export function gemm(walk: Walk, node: Node): readonly Value[] {
  const { attributes } = node;
  const x = flowOf(node, inputOf(walk, node, 0));
  if (attributes.get('transA')?.integer) throw unsupported(node, 'attribute transA is 1', 'transA');
  if (x.axes.length !== 2)
    throw new MismatchError(`${nameNode(node)}: A must have 2 axes, it has ${x.axes.length}.`);
  expectFeatures(walk, node, x);
  const factor = constantInput(node, inputOf(walk, node, 1), 1);
  if (factor.dims.length !== 2)
    throw new MismatchError(`${nameNode(node)}: B must be a matrix, it is ${show(factor.dims)}.`);
  const turned = (attributes.get('transB')?.integer ?? 0) !== 0;
  const y = linear(walk, node, x, factor, turned, attributes.get('alpha')?.float ?? 1);
  const value = optionalInput(walk, node, 2);
  const beta = attributes.get('beta')?.float ?? 1;
  if (value === undefined || beta === 0) return [y];
  const { dims, data } = constantInput(node, value, 2);
  const count = sizeOf(dims);
  const outputSize = y.width!;
  if (dims.length > 2 || (count !== 1 && (count !== outputSize || dims.at(-1) !== outputSize)))
    throw unsupported(node, `it adds ${show(dims)} to ${outputSize} features`, 'shape');
  const added = data() as Float32Array;
  return [
    plus(
      walk,
      node,
      y,
      Float32Array.from({ length: outputSize }, (_, o) => beta * added[count === 1 ? 0 : o]!),
    ),
  ];
}

function linear(walk: Walk, node: Node, x: Flow, factor: ArrayValue, turned: boolean, alpha: number): Flow {
  const [a, b] = factor.dims as [number, number];
  const [inputSize, outputSize] = turned ? [b, a] : [a, b];
  if (x.width !== undefined && x.width !== inputSize) {
    throw new MismatchError(`${nameNode(node)} multiplies ${x.width} features by a matrix for ${inputSize}.`);
  }
  walk.spend(a * b);
  const data = factor.data() as Float32Array;
  const weight = new Float32Array(a * b);
  for (let o = 0; o < outputSize; o++) {
    for (let i = 0; i < inputSize; i++)
      weight[o * inputSize + i] = alpha * data[turned ? o * inputSize + i : i * outputSize + o]!;
  }
  const sources = sourcesOf(sourceOf(walk, node, x));
  const chain = walk.link(node, outputSize, sources, { kind: 'linear', inputSize, weight });
  const axes = [...x.axes.slice(0, -1), axisOf(features, outputSize)];
  return { kind: 'flow', axes, chain, width: outputSize, from: 0, isIds: false };
}
