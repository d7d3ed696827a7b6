import { MismatchError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { CombineSpec } from '../../model/spec.js';
import { sizeOf } from './arrays.js';
import { type Axis, features, joined } from './axes.js';
import { shortest } from './floats.js';
import { constantInput, flowOf, inputOf, numbersOf, optionalInput } from './inputs.js';
import { after, commonAxes, sourceOf, sourcesOf, through, widthOf } from './links.js';
import type { Node } from './proto.js';
import { type ArrayValue, type Flow, nameNode, type Reduced, unsupported, type Value } from './values.js';
import type { Walk } from './walk.js';

/**
 * Norms, as one operator or as what it is made of:
 *
 *   layer   c = x − mean(x); c / √(mean(c c) + ε)        rms   x / √(mean(x x) + ε)
 *
 * where c c may be a Pow, the root a Sqrt or a Pow, and the quotient a Div or a product with a reciprocal.
 */
export function layerNorm(walk: Walk, node: Node): readonly Value[] {
  const x = flowOf(node, inputOf(walk, node, 0));
  const given = node.attributes.get('axis')?.integer ?? -1;
  const axis = given < 0 ? given + x.axes.length : given;
  if (!(axis >= 0 && axis < x.axes.length))
    throw new MismatchError(`${nameNode(node)}: there is no axis ${given} of ${x.axes.length}.`);
  const size = runOf(node, x, x.axes.slice(axis).flat());
  const width = widthOf(node, x);
  const read = (index: number) => {
    const value = optionalInput(walk, node, index);
    if (value === undefined) return undefined;
    const { dims, data } = constantInput(node, value, index);
    if (sizeOf(dims) !== size)
      throw new MismatchError(
        `${nameNode(node)} needs ${size} values of input ${index}, it has ${show(dims)}.`,
      );
    walk.spend(width);
    const one = data() as Float32Array;
    return Float32Array.from({ length: width }, (_, i) => one[i % size]!);
  };
  const weight = read(1);
  const bias = read(2);
  const epsilon = shortest(node.attributes.get('epsilon')?.float ?? 1e-5);
  // Weights of one may be there only because the operator has to have some; what follows may bring others.
  const isPlain = bias === undefined && weight?.every((one) => one === 1);
  return [
    through(walk, node, x, {
      ...{ kind: 'norm', norm: 'layer', groups: width / size, epsilon },
      ...(weight === undefined || isPlain ? {} : { weight }),
      ...(bias === undefined ? {} : { bias }),
    }),
  ];
}

/** How many features that lie side by side these axes are. */
function runOf(node: Node, flow: Flow, axis: Axis): number {
  const width = widthOf(node, flow);
  const [atom, ...others] = joined(axis);
  const size = atom?.size ?? (atom === undefined ? 1 : Number.NaN);
  const isRun = atom === undefined || (atom.axis === features && atom.stride === 1);
  if (!isRun || others.length > 0 || width % size !== 0 || (atom === undefined && width > 1))
    throw unsupported(node, 'what it goes over is not the features, or groups of them', 'axes');
  return size;
}

export function reduceMean(walk: Walk, node: Node): readonly Value[] {
  const x = flowOf(node, inputOf(walk, node, 0));
  const axes = numbersOf(walk, node, 'axes', 1) ?? [];
  if ((node.attributes.get('keepdims')?.integer ?? 1) === 0)
    throw unsupported(node, 'attribute keepdims is 0', 'keepdims');
  const [given = 0] = axes;
  const axis = given < 0 ? given + x.axes.length : given;
  if (axes.length !== 1 || axis < 0 || axis >= x.axes.length)
    throw unsupported(node, `it goes over axes ${show(axes)}, not over one`, 'axes');
  const size = runOf(node, x, x.axes[axis]!);
  const source = sourceOf(walk, node, x);
  const shared = {
    kind: 'reduced',
    axes: x.axes,
    size,
    epsilon: 0,
    isRoot: false,
    isInverse: false,
  } as const;
  const isSquare =
    source?.kind === 'combine' &&
    source.combine === 'multiply' &&
    source.sources.length === 2 &&
    source.sources[0] === source.sources[1];
  if (!isSquare) return [{ ...shared, form: 'mean', of: source }];
  const of = source.sources[0];
  const isCentered = of?.kind === 'centered' && of.size === size;
  return [{ ...shared, form: isCentered ? 'variance' : 'square', of }];
}

/** Sqrt, Reciprocal, and Pow of halves, of what has been reduced. */
export function root(walk: Walk, node: Node): readonly Value[] {
  const value = inputOf(walk, node, 0);
  if (node.op === 'Pow') {
    const exponent = constantInput(node, inputOf(walk, node, 1), 1);
    const power = sizeOf(exponent.dims) === 1 ? exponent.data()[0]! : Number.NaN;
    if (value.kind === 'reduced' && Math.abs(power) === 0.5)
      return [{ ...rooted(node, value), isInverse: power < 0 }];
    if (power !== 2) throw unsupported(node, `its exponent is ${power}, not 2`, 'exponent');
    const flow = flowOf(node, value);
    const source = sourceOf(walk, node, flow);
    if (source?.kind === 'concat') throw unsupported(node, 'it squares what several layers give', 'input');
    return [after(walk, node, flow, [source, source], { kind: 'combine', combine: 'multiply' })];
  }
  if (value.kind !== 'reduced') throw unsupported(node, 'it is of no variance of features', 'input');
  if (node.op === 'Sqrt') return [rooted(node, value)];
  if (!value.isRoot || value.isInverse) throw unsupported(node, 'it is of no root of a variance', 'input');
  return [{ ...value, isInverse: true }];
}

function rooted(node: Node, value: Reduced): Reduced {
  if (value.form === 'mean' || value.isRoot)
    throw unsupported(node, 'it is of no variance of features', 'input');
  return { ...value, isRoot: true };
}

/** Arithmetic in which one of the two is a mean of the other's features. */
export function withReduced(walk: Walk, node: Node, how: CombineSpec['combine'], a: Value, b: Value): Value {
  const refuse = () =>
    unsupported(node, 'it computes with a mean of features in another way than norms do', 'input');
  const [mean, other, isLast] = b.kind === 'reduced' ? [b, a, true] : [a as Reduced, b, false];
  if (other.kind === 'constant') {
    const [value] = sizeOf(other.dims) === 1 && !other.isInteger ? (other as ArrayValue).data() : [];
    if (value === undefined) throw refuse();
    if (how === 'add' && mean.form !== 'mean' && !mean.isRoot && mean.epsilon === 0)
      return { ...mean, epsilon: shortest(value) };
    if (how === 'divide' && isLast && value === 1 && mean.isRoot && !mean.isInverse)
      return { ...mean, isInverse: true };
    throw refuse();
  }
  const flow = flowOf(node, other);
  const source = sourceOf(walk, node, flow);
  if (
    source !== mean.of ||
    commonAxes(flow.axes, mean.axes) === undefined ||
    flow.axes.length !== mean.axes.length
  )
    throw refuse();
  const { size, form, epsilon, isRoot, isInverse } = mean;
  if (form === 'mean') {
    if (how !== 'subtract' || !isLast) throw refuse();
    return after(walk, node, flow, sourcesOf(source), { kind: 'centered', size });
  }
  const isQuotient = isRoot && (isInverse ? how === 'multiply' : how === 'divide' && isLast);
  if (!isQuotient) throw refuse();
  const sources = form === 'variance' ? source!.sources : sourcesOf(source);
  const norm = form === 'variance' ? 'layer' : 'rms';
  return after(walk, node, flow, sources, { kind: 'norm', norm, groups: flow.width! / size, epsilon });
}
