import type { LnLstmSpec, NormSpec } from '#dist/model/spec.js';
import { add, affine, type Bounded, join, multiply, sigmoid, tanh } from './bounded.js';
import type { BlockState, Gate } from './cells.js';
import { normalise } from './layers.js';

/** What an LSTM with layer normalisation has beside its matrices. */
export interface Gains {
  ih: ArrayLike<number>;
  hh: ArrayLike<number>;
  bias: ArrayLike<number>;
  c: ArrayLike<number>;
  biasC: ArrayLike<number>;
}

/** Ba et al. 2016, equations 20 to 22; gates i f g o, normalised all together. */
export function stepNormed(
  { epsilon = 1e-5 }: LnLstmSpec,
  gains: Gains,
): (gates: readonly Gate[], x: Bounded, state: BlockState) => BlockState {
  const norm = (v: Bounded, gain: ArrayLike<number>, bias?: ArrayLike<number>) => {
    const layer: NormSpec = { kind: 'norm', name: '', size: v.value.length, epsilon: Math.fround(epsilon) };
    return normalise(v, layer, gain, bias);
  };
  return (gates, x, { h, c: before }) => {
    const half = (side: 'ih' | 'hh', vector: Bounded) =>
      join(gates.map((gate) => affine([{ matrix: gate[side], vector }], [])));
    const recurrent = norm(half('hh', h), gains.hh, gains.bias);
    const all = add(norm(half('ih', x), gains.ih), recurrent);
    const units = before!.value.length;
    const [i, f, g, o] = [0, 1, 2, 3].map((k) => part(all, k * units, units)) as [
      Bounded,
      Bounded,
      Bounded,
      Bounded,
    ];
    const c = add(multiply(sigmoid(f), before!), multiply(sigmoid(i), tanh(g)));
    return { h: multiply(sigmoid(o), tanh(norm(c, gains.c, gains.biasC))), c };
  };
}

function part(v: Bounded, from: number, count: number): Bounded {
  const error = v.error.slice(from, from + count);
  return { value: v.value.slice(from, from + count), error, norm: Math.hypot(...error) };
}
