import { MismatchError, UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { sizeOf } from './arrays.js';
import { type Axis, axisOf, type Extent, extentOf, features, multiply } from './axes.js';
import {
  constantInput,
  expectFeatures,
  flowOf,
  inputOf,
  isCut,
  type Operator,
  optionalInput,
  sizesOf,
} from './inputs.js';
import { add, gemm, matMul } from './linear.js';
import { concat, permute, reshape, slice, split, squeeze, unsqueeze } from './moves.js';
import type { Node } from './proto.js';
import { readCell, readWeights } from './recurrent.js';
import {
  type ArrayValue,
  constantOf,
  type Flow,
  type Link,
  nameNode,
  type Part,
  unsupported,
  type Value,
} from './values.js';
import type { Walk } from './walk.js';

const operators = new Map<string, Operator>([
  ['LSTM', recurrent],
  ['GRU', recurrent],
  ['RNN', recurrent],
  ['MatMul', matMul],
  ['Gemm', gemm],
  ['Add', add],
  ['Gather', gather],
  ['Tanh', activation('tanh')],
  ['Sigmoid', activation('sigmoid')],
  ['Relu', activation('relu')],
  ['Softmax', softmax('softmax')],
  ['LogSoftmax', softmax('logSoftmax')],
  ['Identity', identity],
  ['Dropout', dropout],
  ['Cast', cast],
  ['Constant', constant],
  ['ConstantOfShape', constantOfShape],
  ['Expand', expand],
  ['Shape', shape],
  ['Mul', multiplySizes],
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

function recurrent(walk: Walk, node: Node): readonly Value[] {
  const cell = readCell(node);
  const { units, kind } = cell;
  const x = flowOf(node, inputOf(walk, node, 0));
  if (x.axes.length !== 3)
    throw new MismatchError(`${nameNode(node)}: X must have 3 axes, it has ${x.axes.length}.`);
  expectFeatures(walk, node, x, 2, true);
  const [time, batch] = x.axes.map((axis) => walk.whole(axis, x));
  if (time === undefined || batch === undefined) {
    throw unsupported(node, 'its first two axes are not one axis of steps and one of streams', 'axes');
  }
  if (optionalInput(walk, node, 4) !== undefined)
    throw unsupported(node, 'input sequence_lens is not supported; give lengths to run', 'sequence_lens');
  const peepholes = optionalInput(walk, node, 7);
  if (peepholes !== undefined && !isZero(walk, peepholes))
    throw unsupported(node, 'input P (peepholes) is not supported', 'peepholes');

  const W = constantInput(node, inputOf(walk, node, 1), 1);
  const R = constantInput(node, inputOf(walk, node, 2), 2);
  const given = optionalInput(walk, node, 3);
  const B = given === undefined ? undefined : constantInput(node, given, 3);
  walk.spend(sizeOf(W.dims) + sizeOf(R.dims) + 2 * cell.gates.length * units);
  const weights = readWeights(node, cell, [W, R, B], x.width);
  const letters = kind === 'lstm' ? ['h', 'c'] : ['h'];
  const initial = letters.map((letter, i) => readInitial(walk, node, 5 + i, letter, units));
  const finals = letters.map(() => walk.number(units));
  const part: Part = {
    kind,
    node,
    ...weights,
    from: x.from,
    inputWidth: x.chain?.width ?? walk.width ?? weights.inputSize,
    units,
    resetAfter: cell.resetAfter,
    activation: cell.activation,
    finals,
    initial,
  };
  const link: Link = {
    parent: x.chain,
    width: units,
    node,
    kind: 'recurrent',
    parts: [part],
    time: time === 'one' ? undefined : time,
    batch: batch === 'one' ? undefined : batch,
  };
  const unitsAxis = axisOf(features, units);
  const flow = (axes: Axis[]): Flow => ({
    kind: 'flow',
    axes,
    chain: link,
    width: units,
    from: 0,
    isIds: false,
  });
  const y = flow([x.axes[0]!, [], x.axes[1]!, unitsAxis]);
  const states = finals.map(
    (first, i): ArrayValue => ({
      kind: 'state',
      dims: [1, 1, units],
      batch: batch === 'one' ? undefined : 1,
      streams: x.axes[1]![0]?.size,
      isInteger: false,
      data: () => Int32Array.from({ length: units }, (_, unit) => first + unit),
      // Of one step, the last output is the output.
      flow: i === 0 && time === 'one' ? flow([[], x.axes[1]!, unitsAxis]) : undefined,
    }),
  );
  return [y, ...states];
}

/** Elements of the graph's inputs that a state begins with; undefined is zeros. */
function readInitial(
  walk: Walk,
  node: Node,
  index: number,
  letter: string,
  units: number,
): Int32Array | undefined {
  const value = optionalInput(walk, node, index);
  if (value === undefined || isZero(walk, value)) return undefined;
  const name = `initial_${letter}`;
  if (value.kind !== 'state') {
    throw unsupported(node, `input ${name} is neither zeros nor an input of the graph`, name);
  }
  const { dims, batch } = value;
  if (dims.length !== 3 || dims[0] !== 1 || dims[1] !== 1 || dims[2] !== units || (batch ?? 1) !== 1) {
    throw unsupported(node, `input ${name} is ${show(dims)}, not [1, streams, ${units}]`, name);
  }
  walk.spend(units);
  return value.data() as Int32Array;
}

function isZero(walk: Walk, value: Value): boolean {
  if (value.kind === 'fill') return value.value === 0;
  if (value.kind !== 'constant') return false;
  walk.spend(sizeOf(value.dims));
  return value.data().every((number) => number === 0);
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
    const chain: Link = {
      parent: undefined,
      width: size,
      node,
      kind: 'embedding',
      count,
      weight: from.data() as Float32Array,
    };
    const axes = [...index.axes, axisOf(features, size)];
    return [{ kind: 'flow', axes, chain, width: size, from: 0, isIds: false }];
  }
  const sizes = sizesOf(from);
  const places = sizesOf(index);
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

function activation(name: Extract<Link, { kind: 'activation' }>['activation']): Operator {
  return (walk, node) => {
    const x = flowOf(node, inputOf(walk, node, 0));
    if (x.chain === undefined || isCut(walk, x))
      throw unsupported(node, 'there is no layer whose output it is of', 'input');
    const { width } = x.chain;
    return [{ ...x, chain: { parent: x.chain, width, node, kind: 'activation', activation: name } }];
  };
}

function softmax(name: 'softmax' | 'logSoftmax'): Operator {
  return (walk, node) => {
    const x = flowOf(node, inputOf(walk, node, 0));
    // Before opset 13 it is over all axes from this one on.
    const isOld = walk.opset < 13;
    const given = node.attributes.get('axis')?.integer ?? (isOld ? 1 : -1);
    const axis = given < 0 ? given + x.axes.length : given;
    const over = x.axes.slice(axis, isOld ? undefined : axis + 1).flat();
    const whole = walk.whole(over, x);
    if (!(x.width === 1 ? whole === 'one' : whole === features))
      throw unsupported(node, `attribute axis is ${given}, which is not the features`, 'axis');
    return activation(name)(walk, node);
  };
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

function multiplySizes(walk: Walk, node: Node): readonly Value[] {
  const a = sizesOf(inputOf(walk, node, 0));
  const b = sizesOf(inputOf(walk, node, 1));
  if (a === undefined || b === undefined || a.items.length !== 1 || b.items.length !== 1)
    throw new UnsupportedError(
      `${nameNode(node)} multiplies something else than two sizes.`,
      'onnx Mul input',
    );
  return [{ kind: 'sizes', isScalar: a.isScalar && b.isScalar, items: [multiply(a.items[0]!, b.items[0]!)] }];
}
