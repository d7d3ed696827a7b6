import type { FullFunc, FunctionName } from '#dist/model/functions.js';
import { apply, type Bounded, nearest, relu, sigmoid, tanh } from './bounded.js';
import { ACTIVATION_ERROR, UNDERFLOW, UNIT_ROUNDOFF } from './tolerance.js';

/** What an oracle knows of a function: its value, how steep it can be within `off` of x, and its own error in f32. */
interface Known {
  at(x: number): number;
  slope(x: number, off: number): number;
  own(x: number): number;
}

const gates = { tanh, sigmoid, relu };
const sigma = (x: number) => 1 / (1 + Math.exp(-x));

/**
 * Own errors: an exponential ACTIVATION_ERROR of its value; an
 * operation UNIT_ROUNDOFF of what it gives. Exponentials are cut off at e^−87, which is below UNDERFLOW.
 */
export function know(name: Exclude<FunctionName, keyof typeof gates>, alpha: number, beta: number): Known {
  const size = Math.abs(alpha);
  switch (name) {
    case 'softsign':
      // x / (1 + |x|): the sum and the division
      return {
        at: (x) => x / (1 + Math.abs(x)),
        slope: (x, off) => (1 + nearest(x, off)) ** -2,
        own: (x) => 2 * UNIT_ROUNDOFF * Math.abs(x / (1 + Math.abs(x))),
      };
    case 'softplus':
      return {
        at: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
        slope: (x, off) => sigma(x + off),
        // the exponential, hardly more of its logarithm; sums, a division and products of the rest
        own: (x) =>
          2 * ACTIVATION_ERROR * Math.log1p(Math.exp(-Math.abs(x))) + UNIT_ROUNDOFF * Math.abs(x) + UNDERFLOW,
      };
    case 'silu':
      return {
        at: (x) => x * sigma(x),
        slope: () => 1.1,
        own: (x) => 2 * ACTIVATION_ERROR * Math.abs(x * sigma(x)) + 100 * UNDERFLOW,
      };
    case 'identity':
      return { at: (x) => x, slope: () => 1, own: () => 0 };
    case 'affine':
      return {
        at: (x) => alpha * x + beta,
        slope: () => size,
        own: (x) => UNIT_ROUNDOFF * (2 * Math.abs(alpha * x) + Math.abs(beta)) + UNDERFLOW,
      };
    case 'leakyRelu':
      return {
        at: (x) => (x < 0 ? alpha * x : x),
        slope: () => Math.max(1, size),
        own: (x) => UNIT_ROUNDOFF * Math.abs(alpha * x) + UNDERFLOW,
      };
    case 'thresholdedRelu':
      // A jump of α at α: who may be on either side of it may be off by it.
      return {
        at: (x) => (x > alpha ? x : 0),
        slope: (x, off) => (off > 0 && Math.abs(x - alpha) <= off ? 1 + (Math.abs(alpha) + off) / off : 1),
        own: () => 0,
      };
    case 'scaledTanh':
      return {
        at: (x) => alpha * Math.tanh(beta * x),
        slope: (x, off) => Math.abs(alpha * beta) * (1 - Math.tanh(Math.abs(beta) * nearest(x, off)) ** 2),
        // βx is rounded where tanh is steep: y (1 − tanh² y) < ½
        own: () => size * (ACTIVATION_ERROR + 2 * UNIT_ROUNDOFF) + UNDERFLOW,
      };
    case 'hardSigmoid':
      return {
        at: (x) => Math.max(0, Math.min(1, alpha * x + beta)),
        slope: () => size,
        // Beyond 0 and 1 nothing is left of the rounding.
        own: () => UNIT_ROUNDOFF * (2 * (1 + Math.abs(beta)) + Math.abs(beta)) + UNDERFLOW,
      };
    case 'elu':
      return {
        at: (x) => (x < 0 ? alpha * Math.expm1(x) : x),
        slope: () => Math.max(1, size),
        own: (x) => (x < 0 ? 2 * ACTIVATION_ERROR * Math.abs(alpha * Math.expm1(x)) + UNDERFLOW : 0),
      };
  }
}

/** A function of each element, with what an f32 program may be off by. */
export function applyFunc(func: FullFunc, x: Bounded): Bounded {
  const { function: name, alpha, beta } = func;
  if (name === 'tanh' || name === 'sigmoid' || name === 'relu') return gates[name](x);
  const { at, slope, own } = know(name, alpha, beta);
  return apply(x, at, slope, own);
}
