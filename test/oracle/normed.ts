import type { LnGruSpec, LnLstmSpec, NormSpec } from '#dist/model/spec.js';
import { add, affine, type Bounded, blend, join, multiply, sigmoid, tanh } from './bounded.js';
import type { BlockState, Gate } from './cells.js';
import { normalise } from './layers.js';

/** A layer's vectors by the ends of their tensors' names. */
export type Vectors = (tensor: string) => ArrayLike<number>;

/** One step of all units, whose matrices have zeros off their blocks. */
type Step = (gates: readonly Gate[], x: Bounded, state: BlockState) => BlockState;

/** n(v) gain + bias over all of v */
function norm(
  v: Bounded,
  { epsilon = 1e-5 }: LnLstmSpec | LnGruSpec,
  gain: ArrayLike<number>,
  bias?: ArrayLike<number>,
): Bounded {
  const layer: NormSpec = { kind: 'norm', name: '', size: v.value.length, epsilon: Math.fround(epsilon) };
  return normalise(v, layer, gain, bias);
}

/** The rows of all gates of one half, one gate below the other. */
function half(gates: readonly Gate[], side: 'ih' | 'hh', vector: Bounded): Bounded {
  return join(gates.map((gate) => affine([{ matrix: gate[side], vector }], [])));
}

/** Ba et al. 2016, equations 20 to 22; gates i f g o, normalised all together. */
export function stepNormedLstm(layer: LnLstmSpec, of: Vectors): Step {
  return (gates, x, { h, c: before }) => {
    const recurrent = norm(half(gates, 'hh', h), layer, of('gain_hh'), of('bias'));
    const all = add(norm(half(gates, 'ih', x), layer, of('gain_ih')), recurrent);
    const [i, f, g, o] = split(all, 4) as [Bounded, Bounded, Bounded, Bounded];
    const c = add(multiply(sigmoid(f), before!), multiply(sigmoid(i), tanh(g)));
    return { h: multiply(sigmoid(o), tanh(norm(c, layer, of('gain_c'), of('bias_c')))), c };
  };
}

/** LayerNormGRU of haste; gates r z n, normalised all together, reset after the product. */
export function stepNormedGru(layer: LnGruSpec, of: Vectors): Step {
  return (gates, x, { h }) => {
    const input = split(norm(half(gates, 'ih', x), layer, of('gain_ih'), of('bias_ih')), 3);
    const recurrent = split(norm(half(gates, 'hh', h), layer, of('gain_hh'), of('bias_hh')), 3);
    const [r, z] = [0, 1].map((k) => sigmoid(add(input[k]!, recurrent[k]!))) as [Bounded, Bounded];
    return { h: blend(z, tanh(add(input[2]!, multiply(r, recurrent[2]!))), h) };
  };
}

function split(v: Bounded, parts: number): Bounded[] {
  const units = v.value.length / parts;
  return Array.from({ length: parts }, (_, k) => part(v, k * units, units));
}

function part(v: Bounded, from: number, count: number): Bounded {
  const error = v.error.slice(from, from + count);
  return { value: v.value.slice(from, from + count), error, norm: Math.hypot(...error) };
}
