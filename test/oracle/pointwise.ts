import type { SruSpec } from '#dist/model/spec.js';
import { add, affine, type Bounded, blend, exact, multiply, sigmoid, tanh } from './bounded.js';
import type { BlockState, Gate } from './cells.js';

/** W x + b */
function input({ ih, biasIh }: Gate, x: Bounded): Bounded {
  return affine([{ matrix: ih, vector: x }], [biasIh]);
}

/** Lei et al. 2018; z is w f r, v those of f and r, past what comes past the cell. */
export function sruHalf(
  z: readonly Bounded[],
  v: readonly ArrayLike<number>[],
  past: Bounded,
  before: Bounded,
): { h: Bounded; c: Bounded } {
  const gate = (k: number) => sigmoid(add(z[k]!, multiply(exact(v[k - 1]!), before)));
  // (1 - f) w + f c, and the same of r, x' and c': an interpolation, as blend has it.
  const c = blend(gate(1), z[0]!, before);
  return { h: blend(gate(2), past, c), c };
}

/** Bradbury et al. 2017, fo-pooling; z is w f o. */
export function qrnnHalf(z: readonly Bounded[], before: Bounded): { h: Bounded; c: Bounded } {
  const c = blend(sigmoid(z[1]!), tanh(z[0]!), before);
  return { h: multiply(sigmoid(z[2]!), c), c };
}

/** One step of all units. */
export function stepSru({
  scale = 1,
}: SruSpec): (gates: readonly Gate[], x: Bounded, s: BlockState) => BlockState {
  return (gates, x, { c }) => {
    const z = gates.map((gate) => input(gate, x));
    const v = [gates[1]!.peephole!, gates[2]!.peephole!];
    const scales = exact(new Float64Array(x.value.length).fill(Math.fround(scale)));
    return sruHalf(z, v, z[3] ?? multiply(scales, x), c!);
  };
}

export function stepQrnn(gates: readonly Gate[], x: Bounded, { c }: BlockState): BlockState {
  return qrnnHalf(
    gates.map((gate) => input(gate, x)),
    c!,
  );
}
