import { show } from '../../base/guards.js';
import { type FunctionName, functions } from '../../model/functions.js';
import type { CombineSpec } from '../../model/spec.js';
import { sizeOf } from './arrays.js';
import { features } from './axes.js';
import { shortest } from './floats.js';
import { constantInput, flowOf, inputOf, type Operator } from './inputs.js';
import { after, commonAxes, isCut, isPartOf, singleOf, through, widthOf } from './links.js';
import type { Node } from './proto.js';
import { type ArrayValue, type Flow, type Link, type Source, unsupported } from './values.js';
import type { Walk } from './walk.js';

/** Functions of single elements, and arithmetic of flows with each other and with constants. */

/** @param defaults alpha and beta of the operator, where it takes them */
export function activation(name: FunctionName): Operator {
  return (walk, node) => {
    const x = flowOf(node, inputOf(walk, node, 0));
    const [alpha, beta] = functions[name] as readonly number[];
    const given = (field: 'alpha' | 'beta', otherwise: number | undefined) =>
      otherwise === undefined ? {} : { [field]: shortest(node.attributes.get(field)?.float ?? otherwise) };
    const taken = { ...given('alpha', alpha), ...given('beta', beta) };
    return [through(walk, node, x, { kind: 'activation', activation: name, ...taken })];
  };
}

/** Exact, or its approximation by tanh. */
export function gelu(walk: Walk, node: Node): readonly Flow[] {
  const approximate = node.attributes.get('approximate')?.text ?? 'none';
  if (approximate !== 'none' && approximate !== 'tanh')
    throw unsupported(node, `attribute approximate is ${show(approximate)}`, 'approximate');
  const name = approximate === 'none' ? 'gelu' : 'geluTanh';
  return [
    through(walk, node, flowOf(node, inputOf(walk, node, 0)), { kind: 'activation', activation: name }),
  ];
}

/** With one slope for all features it is a leaky ReLU. */
export function prelu(walk: Walk, node: Node): readonly Flow[] {
  const x = flowOf(node, inputOf(walk, node, 0));
  const slope = constantInput(node, inputOf(walk, node, 1), 1);
  if (sizeOf(slope.dims) !== 1) throw unsupported(node, 'it has a slope for each feature', 'slope');
  const alpha = shortest(slope.data()[0]!);
  return [through(walk, node, x, { kind: 'activation', activation: 'leakyRelu', alpha })];
}

export function softmax(name: 'softmax' | 'logSoftmax'): Operator {
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
    return [through(walk, node, x, { kind: 'activation', activation: name })];
  };
}

export function negate(walk: Walk, node: Node): readonly Flow[] {
  return [times(walk, node, flowOf(node, inputOf(walk, node, 0)), -1)];
}

/** Two flows, element by element. */
export function combine(walk: Walk, node: Node, how: CombineSpec['combine'], a: Flow, b: Flow): Flow {
  const axes = commonAxes(a.axes, b.axes);
  if (axes === undefined || a.width !== b.width)
    throw unsupported(node, 'the axes of its two inputs are not alike, so one would be repeated', 'axes');
  const [left, right] = [singleOf(walk, node, a), singleOf(walk, node, b)];
  const flow = { ...a, axes };
  if (how === 'multiply') {
    const same = sameSources(left, right) ?? sameSources(right, left);
    if (same !== undefined) return after(walk, node, flow, same, { kind: 'activation', activation: 'silu' });
  }
  const isMore = left?.kind === 'combine' && left.combine === how && isPartOf(left.node, node);
  return after(walk, node, flow, [...(isMore ? left.sources : [left]), right], {
    kind: 'combine',
    combine: how,
  });
}

/** What `gate` is the sigmoid of, when that is `x`. */
function sameSources(x: Source, gate: Source): readonly Source[] | undefined {
  if (gate?.kind !== 'activation' || gate.activation !== 'sigmoid') return undefined;
  const sources = x?.kind === 'activation' && x.activation === 'identity' ? x.sources : [x];
  const isSame = gate.sources.length === sources.length && gate.sources.every((one, i) => one === sources[i]);
  return isSame ? sources : undefined;
}

/** A flow with a constant, in this order or `turned`. */
export function withConstant(
  walk: Walk,
  node: Node,
  how: CombineSpec['combine'],
  flow: Flow,
  constant: ArrayValue,
  turned: boolean,
): Flow {
  const value = alongFeatures(walk, node, flow, constant);
  switch (how) {
    case 'add':
      return plus(walk, node, flow, value);
    case 'multiply':
      return times(walk, node, flow, value);
    case 'subtract':
      if (!turned)
        return plus(
          walk,
          node,
          flow,
          map(value, (one) => -one),
        );
      return plus(
        walk,
        node,
        times(
          walk,
          node,
          flow,
          map(value, () => -1),
        ),
        value,
      );
    case 'divide':
      if (turned) throw unsupported(node, 'it divides a constant by what a layer gives', 'input');
      return times(
        walk,
        node,
        flow,
        map(value, (one) => 1 / one),
      );
  }
}

type Along = number | Float32Array;

function map(value: Along, change: (one: number) => number): Along {
  return typeof value === 'number' ? Math.fround(change(value)) : value.map(change);
}

/**
 * A constant as one number, or one for each feature of a flow; axes that are parts of the features may each have their
 * own, other axes none.
 */
function alongFeatures(walk: Walk, node: Node, flow: Flow, constant: ArrayValue): Along {
  const { dims, isInteger } = constant;
  const { axes } = flow;
  const count = sizeOf(dims);
  const refuse = (problem: string) => unsupported(node, problem, 'shape');
  if (isInteger) throw refuse('its constant is of integers');
  if (dims.length > axes.length) throw refuse('its constant has more axes than the flow');
  const width = widthOf(node, flow);
  const data = constant.data() as Float32Array;
  if (count === 1 && (width > 1 || dims.length === 0)) return data[0]!;
  const last = axes.slice(axes.length - dims.length);
  let stride = count;
  const steps = dims.map((size, place) => {
    stride /= size;
    const atoms = last[place]!;
    const extent = atoms.reduce((product, atom) => product * (atom.size ?? Number.NaN), 1);
    if (size !== 1 && (size !== extent || atoms.some((atom) => atom.axis !== features)))
      throw refuse(
        `its constant has ${size} values for axis ${place} of ${dims.length}, which are not the features`,
      );
    return size === 1 ? 0 : stride;
  });
  walk.spend(width);
  return Float32Array.from({ length: width }, (_, feature) => {
    let from = 0;
    for (const [place, step] of steps.entries()) {
      let at = 0;
      if (step > 0)
        for (const atom of last[place]!)
          at = at * atom.size! + (Math.floor(feature / atom.stride) % atom.size!);
      from += at * step;
    }
    return data[from]!;
  });
}

/** The layer that gives all of a flow, when what follows may become a part of it. */
function whole(walk: Walk, flow: Flow): Link | undefined {
  return isCut(walk, flow) ? undefined : flow.chain;
}

/** A constant added: a bias of what is before it, or a layer of its own. */
export function plus(walk: Walk, node: Node, flow: Flow, value: Along): Flow {
  const link = whole(walk, flow);
  const vector = () => (typeof value === 'number' ? new Float32Array(flow.width!).fill(value) : value);
  if ((link?.kind === 'linear' || link?.kind === 'scale') && link.bias === undefined)
    return replace(walk, flow, { ...link, node, bias: vector() });
  if (link?.kind === 'norm' && link.norm === 'layer' && link.bias === undefined)
    return replace(walk, flow, { ...link, node, bias: vector() });
  if (typeof value !== 'number')
    return through(walk, node, flow, {
      ...{ kind: 'scale', weight: new Float32Array(value.length).fill(1) },
      bias: value,
    });
  const beta = shortest(value);
  if (link?.kind === 'activation' && link.activation === 'affine' && link.beta === undefined)
    return replace(walk, flow, { ...link, node, beta });
  return through(walk, node, flow, { kind: 'activation', activation: 'affine', alpha: 1, beta });
}

/** A constant multiplied: the weights of a norm, or a layer of its own. */
export function times(walk: Walk, node: Node, flow: Flow, value: Along): Flow {
  const link = whole(walk, flow);
  if (link?.kind === 'norm' && link.weight === undefined && link.bias === undefined) {
    const weight = typeof value === 'number' ? new Float32Array(flow.width!).fill(value) : value;
    return replace(walk, flow, { ...link, node, weight });
  }
  if (typeof value !== 'number') return through(walk, node, flow, { kind: 'scale', weight: value });
  const alpha = shortest(value);
  const inner = link?.sources[0];
  if (
    link?.kind === 'activation' &&
    link.activation === 'tanh' &&
    isPartOf(link.node, node) &&
    inner?.kind === 'activation' &&
    inner.activation === 'affine' &&
    isPartOf(inner.node, node)
  ) {
    const beta = inner.alpha ?? 1;
    return after(walk, node, flow, inner.sources, {
      kind: 'activation',
      activation: 'scaledTanh',
      alpha,
      beta,
    });
  }
  return through(walk, node, flow, { kind: 'activation', activation: 'affine', alpha });
}

function replace(walk: Walk, flow: Flow, { id: _, width, node, sources, ...kind }: Link): Flow {
  return { ...flow, chain: walk.link(node, width, sources, kind) };
}
