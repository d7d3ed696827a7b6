import { MismatchError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { CombineSpec } from '../../model/spec.js';
import { sizeOf } from './arrays.js';
import { axisOf, type Extent, extentOf, features, multiply } from './axes.js';
import { flowOf, inputOf, isZero, type Operator, optionalInput, sizesOf } from './inputs.js';
import { gemm, matMul } from './linear.js';
import {
  concat,
  cut,
  lengthOf,
  permute,
  placeOf,
  rankOf,
  relist,
  reshape,
  slice,
  split,
  squeeze,
  unsqueeze,
} from './moves.js';
import { layerNorm, reduceMean, root, withReduced } from './norms.js';
import { activation, combine, gelu, negate, prelu, softmax, withConstant } from './pointwise.js';
import type { Node } from './proto.js';
import { recurrent } from './recurrent-node.js';
import { type ArrayValue, constantOf, nameNode, type Sizes, unsupported, type Value } from './values.js';
import type { Walk } from './walk.js';

const operators = new Map<string, Operator>([
  ['LSTM', recurrent],
  ['GRU', recurrent],
  ['RNN', recurrent],
  ['MatMul', matMul],
  ['Gemm', gemm],
  ['Add', arithmetic('add')],
  ['Sub', arithmetic('subtract')],
  ['Mul', arithmetic('multiply')],
  ['Div', arithmetic('divide')],
  ['Neg', negate],
  ['Gather', gather],
  ['Tanh', activation('tanh')],
  ['Sigmoid', activation('sigmoid')],
  ['Relu', activation('relu')],
  ['Softsign', activation('softsign')],
  ['Softplus', activation('softplus')],
  ['LeakyRelu', activation('leakyRelu')],
  ['ThresholdedRelu', activation('thresholdedRelu')],
  ['HardSigmoid', activation('hardSigmoid')],
  ['Elu', activation('elu')],
  ['Gelu', gelu],
  ['PRelu', prelu],
  ['LayerNormalization', layerNorm],
  ['ReduceMean', reduceMean],
  ['Sqrt', root],
  ['Reciprocal', root],
  ['Pow', root],
  ['Softmax', softmax('softmax')],
  ['LogSoftmax', softmax('logSoftmax')],
  ['Identity', identity],
  ['Dropout', dropout],
  ['Cast', cast],
  ['Constant', constant],
  ['ConstantOfShape', constantOfShape],
  ['Expand', expand],
  ['Shape', shape],
  ['Squeeze', squeeze],
  ['Unsqueeze', unsqueeze],
  ['Transpose', permute],
  ['Reshape', reshape],
  ['Flatten', reshape],
  ['Slice', slice],
  ['Split', split],
  ['Concat', concat],
]);

/** @throws UnsupportedError naming the node for what is not read; MismatchError for sizes that do not fit */
export function evaluate(walk: Walk, node: Node): readonly Value[] {
  const operator = node.domain === '' ? operators.get(node.op) : undefined;
  if (operator === undefined) {
    const domain = node.domain === '' ? '' : ` of the domain ${show(node.domain)}`;
    throw unsupported(node, `operator ${node.op}${domain} is not supported`, 'operator');
  }
  return operator(walk, node);
}

function gather(walk: Walk, node: Node): readonly Value[] {
  const from = inputOf(walk, node, 0);
  const index = inputOf(walk, node, 1);
  const axis = node.attributes.get('axis')?.integer ?? 0;
  if (from.kind === 'constant' && index.kind === 'flow') {
    if (from.dims.length !== 2 || axis !== 0 || !index.isIds || from.isInteger)
      throw unsupported(
        node,
        `it takes from ${show(from.dims)} along axis ${axis}; an embedding is a matrix, taken from by rows`,
        'axis',
      );
    const [count, size] = from.dims as [number, number];
    walk.spend(count * size);
    const weight = from.data() as Float32Array;
    const chain = walk.link(node, size, [undefined], { kind: 'embedding', count, weight });
    const axes = [...index.axes, axisOf(features, size)];
    return [{ kind: 'flow', axes, chain, width: size, from: 0, isIds: false }];
  }
  const sizes = sizesOf(from);
  const places = sizesOf(index);
  if (from.kind === 'flow' && places?.isScalar && places.items[0]!.unknown.length === 0)
    return [takeOne(walk, node, from, axis, places.items[0]!.count)];
  if (sizes === undefined || places === undefined || sizes.isScalar)
    throw unsupported(node, 'it takes from something else than a table or a shape', 'input');
  const items = places.items.map(({ count, unknown }) => {
    const item = sizes.items[count < 0 ? count + sizes.items.length : count];
    if (unknown.length > 0 || item === undefined)
      throw unsupported(node, 'it takes what is not there', 'indices');
    return item;
  });
  return [{ kind: 'sizes', isScalar: places.isScalar, items }];
}

/** One element of an axis that is a part of the features, which then is no axis any more. */
function takeOne(walk: Walk, node: Node, flow: Value, axis: number, index: number): Value {
  const rank = rankOf(node, flow);
  const place = placeOf(node, axis, rank);
  const length = lengthOf(node, flow, place);
  const at = index < 0 ? index + length : index;
  if (!(at >= 0 && at < length)) throw unsupported(node, 'it takes what is not there', 'indices');
  const taken = length === 1 ? flow : cut(walk, node, flow, place, at, at + 1);
  return relist(
    taken,
    Array.from({ length: rank }, (_, old) => old).filter((old) => old !== place),
  );
}

function identity(walk: Walk, node: Node): readonly Value[] {
  return [inputOf(walk, node, 0)];
}

function dropout(walk: Walk, node: Node): readonly Value[] {
  if (optionalInput(walk, node, 2) !== undefined)
    throw unsupported(node, 'input training_mode is not supported', 'training_mode');
  return identity(walk, node);
}

const floatTypes = [1, 10, 11, 16];

function cast(walk: Walk, node: Node): readonly Value[] {
  const value = inputOf(walk, node, 0);
  const to = node.attributes.get('to')?.integer ?? 0;
  const isInteger =
    value.kind === 'sizes' ||
    (value.kind === 'flow' && value.isIds) ||
    value.kind === 'lengths' ||
    (value.kind === 'constant' && value.isInteger);
  const stays = isInteger ? to === 6 || to === 7 : floatTypes.includes(to);
  if (!stays && value.kind !== 'fill')
    throw unsupported(node, `attribute to is ${to}, which changes between floats and integers`, 'to');
  return [value];
}

function constant(_walk: Walk, node: Node): readonly Value[] {
  const { attributes } = node;
  const tensor = attributes.get('value')?.tensor;
  if (tensor !== undefined) return [constantOf(tensor)];
  const integer = attributes.get('value_int')?.integer;
  const integers = attributes.get('value_ints')?.integers ?? (integer === undefined ? undefined : [integer]);
  if (integers !== undefined) {
    const items = integers.map((count): Extent => ({ count, unknown: [] }));
    return [{ kind: 'sizes', isScalar: integer !== undefined, items }];
  }
  const float = attributes.get('value_float')?.float;
  if (float === undefined) throw unsupported(node, 'it has no value of numbers', 'value');
  return [{ kind: 'constant', dims: [], isInteger: false, data: () => Float32Array.of(float) }];
}

function constantOfShape(_walk: Walk, node: Node): readonly Value[] {
  const tensor = node.attributes.get('value')?.tensor;
  if (tensor === undefined) return [{ kind: 'fill', value: 0 }];
  const [value] = tensor.count === 1 ? constantOf(tensor).data() : [];
  if (value === undefined) throw new MismatchError(`${nameNode(node)}: its value must be one number.`);
  return [{ kind: 'fill', value }];
}

/** Only what is zero everywhere can be stretched: then it does not matter to what. */
function expand(walk: Walk, node: Node): readonly Value[] {
  const value = inputOf(walk, node, 0);
  if (!isZero(walk, value)) throw unsupported(node, 'it stretches something else than zeros', 'input');
  return [{ kind: 'fill', value: 0 }];
}

function shape(walk: Walk, node: Node): readonly Value[] {
  const value = inputOf(walk, node, 0);
  let sizes: Extent[];
  if (value.kind === 'flow') sizes = value.axes.map(extentOf);
  else if (value.kind === 'constant') sizes = value.dims.map((count) => ({ count, unknown: [] }));
  else throw unsupported(node, 'it is the shape of a state', 'input');
  const start = node.attributes.get('start')?.integer ?? 0;
  const end = node.attributes.get('end')?.integer ?? sizes.length;
  return [{ kind: 'sizes', isScalar: false, items: sizes.slice(start, end) }];
}

function arithmetic(how: CombineSpec['combine']): Operator {
  return (walk, node) => {
    const [a, b] = [inputOf(walk, node, 0), inputOf(walk, node, 1)];
    if (a.kind === 'reduced' || b.kind === 'reduced') return [withReduced(walk, node, how, a, b)];
    const sizes = [sizesOf(a), sizesOf(b)];
    if (sizes[0] !== undefined && sizes[1] !== undefined)
      return [withSizes(node, how, sizes as [Sizes, Sizes])];
    if (a.kind === 'constant' && b.kind === 'constant') return [withConstants(walk, node, how, a, b)];
    if (a.kind === 'constant') return [withConstant(walk, node, how, flowOf(node, b, 1), a, true)];
    if (b.kind === 'constant') return [withConstant(walk, node, how, flowOf(node, a), b, false)];
    return [combine(walk, node, how, flowOf(node, a), flowOf(node, b, 1))];
  };
}

const numbers: Record<CombineSpec['combine'], (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
};

/** Arithmetic of two sizes; of those that only the running model knows, products alone. */
function withSizes(node: Node, how: CombineSpec['combine'], [a, b]: [Sizes, Sizes]): Value {
  const [x, y] = [a.items[0], b.items[0]];
  if (a.items.length !== 1 || b.items.length !== 1)
    throw unsupported(node, 'it computes with something else than two sizes', 'input');
  const isScalar = a.isScalar && b.isScalar;
  if (how === 'multiply') return { kind: 'sizes', isScalar, items: [multiply(x!, y!)] };
  if (x!.unknown.length > 0 || y!.unknown.length > 0)
    throw unsupported(node, 'it computes with a size that is not known beforehand', 'input');
  return {
    kind: 'sizes',
    isScalar,
    items: [{ count: Math.trunc(numbers[how](x!.count, y!.count)), unknown: [] }],
  };
}

/** Arithmetic of two constants of the same shape, or with one number. */
function withConstants(
  walk: Walk,
  node: Node,
  how: CombineSpec['combine'],
  a: ArrayValue,
  b: ArrayValue,
): Value {
  const [one, other] = [sizeOf(a.dims), sizeOf(b.dims)];
  if (a.isInteger || b.isInteger || (one !== 1 && other !== 1 && a.dims.join() !== b.dims.join()))
    throw unsupported(node, 'it computes with two constants of different shapes, or of integers', 'input');
  walk.spend(Math.max(one, other));
  const [x, y] = [a.data(), b.data()];
  const { dims } = one >= other && a.dims.length >= b.dims.length ? a : b;
  if (sizeOf(dims) !== Math.max(one, other))
    throw unsupported(node, 'one constant would be repeated', 'input');
  const data = Float32Array.from({ length: Math.max(one, other) }, (_, i) =>
    numbers[how](x[one === 1 ? 0 : i]!, y[other === 1 ? 0 : i]!),
  );
  return { kind: 'constant', dims, isInteger: false, data: () => data };
}
