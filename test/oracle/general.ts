import { type Func, fullFunc } from '#dist/model/functions.js';
import type { CommonLayerSpec, ElmanSpec, GruSpec, LstmSpec } from '#dist/model/spec.js';
import { complement } from './backward.js';
import { add, affine, apply, type Bounded, blend, exact, type Matrix, multiply } from './bounded.js';
import { type BlockState, type Gate, preactivation } from './cells.js';
import { applyFunc } from './functions.js';

/** One step of one block by a layer that says what its kind's default does not. */
export type GeneralStep = (gates: readonly Gate[], x: Bounded, state: BlockState) => BlockState;

/**
 * The cells of ONNX, with all that they may say, and zoneout.
 * @param projection [P, H], of an LSTM that has one
 */
export function generalStep(layer: CommonLayerSpec, projection?: Matrix): GeneralStep {
  const step = stepOf(layer, projection);
  return (gates, x, state) => {
    const after = step(gates, x, state);
    return { ...after, h: zoneout(layer.zoneout, state.h, after.h) };
  };
}

function stepOf(layer: CommonLayerSpec, projection?: Matrix): GeneralStep {
  switch (layer.kind) {
    case 'lstm':
      return (gates, x, { h, c }) => {
        const z = gates.map((gate) => preactivation(gate, x, h));
        const seen = [0, 1, 3].map((g) => gates[g]!.peephole).filter((p) => p !== undefined);
        const after = lstmHalf(layer, z, c!, seen);
        if (projection === undefined) return after;
        return { h: affine([{ matrix: projection, vector: after.h }], []), c: after.c };
      };
    case 'gru':
      return layer.resetAfter === false
        ? (gates, x, { h }) => {
            const [r, z] = gates.map((gate) => preactivation(gate, x, h)) as [Bounded, Bounded];
            const q = gruReset(layer, r, h);
            return { h: gruBeforeHalf(layer, z, preactivation(gates[2]!, x, q), h) };
          }
        : (gates, x, { h }) => {
            const half = (side: 'ih' | 'hh', bias: 'biasIh' | 'biasHh', vector: Bounded) =>
              gates.map((gate) => affine([{ matrix: gate[side], vector }], [gate[bias]]));
            return { h: gruAfterHalf(layer, half('ih', 'biasIh', x), half('hh', 'biasHh', h), h) };
          };
    case 'elman':
      return (gates, x, { h }) => ({ h: elmanHalf(layer, preactivation(gates[0]!, x, h)) });
  }
}

/**
 * i = f(z + p c), φ the same or 1 - i, c' = φ c + i g(z), o = f(z + p c'), h' = o h(c'); gates i f g o, peepholes i f o
 * or none. What goes on of c' is mixed with c by the layer's zoneout.
 */
export function lstmHalf(
  { activations = ['sigmoid', 'tanh', 'tanh'], coupled, clip, zoneoutCell }: LstmSpec,
  z: readonly Bounded[],
  before: Bounded,
  peepholes: readonly ArrayLike<number>[],
): { h: Bounded; c: Bounded } {
  const [f, g, h] = activations as [Func, Func, Func];
  const gate = (own: Bounded, peephole: ArrayLike<number> | undefined, cell: Bounded) =>
    call(f, limit(peephole === undefined ? own : add(own, multiply(exact(peephole), cell)), clip));
  const [i, forget, candidate, o] = z as [Bounded, Bounded, Bounded, Bounded];
  const input = gate(i, peepholes[0], before);
  const keep = coupled ? complement(input) : gate(forget, peepholes[1], before);
  const c = add(multiply(keep, before), multiply(input, call(g, limit(candidate, clip))));
  return { h: multiply(gate(o, peepholes[2], c), call(h, c)), c: zoneout(zoneoutCell, before, c) };
}

/** Zoneout as a run takes it, Krueger et al. 2017: z v + (1 - z) v' of v before and v' after a step. */
function zoneout(rate: number | undefined, before: Bounded, after: Bounded): Bounded {
  if (rate === undefined) return after;
  return blend(exact(after.value.map(() => Math.fround(rate))), after, before);
}

/** n = g(x + r u) of the halves x and u, h' = (1 - z) n + z h; gates r z n. */
export function gruAfterHalf(
  { activations = ['sigmoid', 'tanh'], clip }: GruSpec,
  input: readonly Bounded[],
  recurrent: readonly Bounded[],
  h: Bounded,
): Bounded {
  const [f, g] = activations as [Func, Func];
  const gate = (at: number) => call(f, limit(add(input[at]!, recurrent[at]!), clip));
  const n = call(g, limit(add(input[2]!, multiply(gate(0), recurrent[2]!)), clip));
  return mix(gate(1), n, h);
}

/** f(r) h, which the candidate's recurrent weights then meet. */
export function gruReset(
  { activations = ['sigmoid', 'tanh'], clip }: GruSpec,
  r: Bounded,
  h: Bounded,
): Bounded {
  return multiply(call(activations[0]!, limit(r, clip)), h);
}

/** h' = (1 - f(z)) g(n) + f(z) h */
export function gruBeforeHalf(
  { activations = ['sigmoid', 'tanh'], clip }: GruSpec,
  z: Bounded,
  n: Bounded,
  h: Bounded,
): Bounded {
  return mix(call(activations[0]!, limit(z, clip)), call(activations[1]!, limit(n, clip)), h);
}

/** h' = f(z) */
export function elmanHalf({ activation = 'tanh', clip }: ElmanSpec, z: Bounded): Bounded {
  return call(activation, limit(z, clip));
}

/** (1 - z) n + z h for any z: blend has it for those within 0..1. */
function mix(z: Bounded, n: Bounded, h: Bounded): Bounded {
  return add(multiply(complement(z), n), multiply(z, h));
}

/** x limited to ±clip, the f32 that the program has: no rounding, and nothing grows. */
function limit(x: Bounded, clip: number | undefined): Bounded {
  if (clip === undefined) return x;
  const most = Math.fround(clip);
  return apply(
    x,
    (v) => Math.max(-most, Math.min(most, v)),
    () => 1,
    () => 0,
  );
}

/** A function with alpha and beta as the program has them, in f32. */
function call(func: Func, x: Bounded): Bounded {
  const { function: name, alpha, beta } = fullFunc(func);
  return applyFunc({ function: name, alpha: Math.fround(alpha), beta: Math.fround(beta) }, x);
}
