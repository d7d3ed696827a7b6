import type { FullFunc } from '#dist/model/functions.js';
import { know, normalTail } from '../oracle/functions.js';
import { ACTIVATION_ERROR } from '../oracle/tolerance.js';
import type { Node, Tape } from './tape.js';

const sigma = (x: number) => 1 / (1 + Math.exp(-x));
const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

/** f′ of a function beside tanh, sigmoid and relu; at a corner what PyTorch has, the slope below it. */
export function slopeOf({ function: name, alpha, beta }: FullFunc): (x: number) => number {
  switch (name) {
    case 'softsign':
      return (x) => (1 + Math.abs(x)) ** -2;
    case 'softplus':
      return sigma;
    case 'silu':
      return (x) => sigma(x) * (1 + x * (1 - sigma(x)));
    case 'identity':
      return () => 1;
    case 'affine':
      return () => alpha;
    case 'leakyRelu':
      return (x) => (x > 0 ? 1 : alpha);
    case 'thresholdedRelu':
      return (x) => (x > alpha ? 1 : 0);
    case 'scaledTanh':
      return (x) => alpha * beta * (1 - Math.tanh(beta * x) ** 2);
    case 'hardSigmoid':
      return (x) => (alpha * x + beta > 0 && alpha * x + beta < 1 ? alpha : 0);
    case 'elu':
      return (x) => (x > 0 ? 1 : alpha * Math.exp(x));
    case 'gelu':
      return (x) => {
        const over = Math.abs(x) * density(x) - normalTail(Math.abs(x));
        return x > 0 ? 1 + over : -over;
      };
    case 'geluTanh':
      return (x) => {
        const s = sigma(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));
        // Where nothing is left of 1 − σ, nothing is left of what it is multiplied by.
        const rest = s * (1 - s) * (2 * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x ** 2));
        return rest === 0 ? s : s + x * rest;
      };
    default:
      throw new Error(`${name} has no slope here.`);
  }
}

/** How large a slope can be: what an exponential is off by is off relative to it. */
function most({ function: name, alpha, beta }: FullFunc): number {
  if (name === 'scaledTanh') return Math.abs(alpha * beta);
  return name === 'elu' ? Math.abs(alpha) : 1;
}

/** A function of each element, on a tape. */
export function applyOn(tape: Tape, func: FullFunc, x: Node): Node {
  const { function: name } = func;
  if (name === 'tanh' || name === 'sigmoid' || name === 'relu') return tape[name](x);
  const { at, own } = know(name, func.alpha, func.beta);
  const hasExponential = ['softplus', 'silu', 'scaledTanh', 'elu', 'gelu', 'geluTanh'].includes(name);
  return tape.map(x, at, slopeOf(func), own, hasExponential ? 2 * ACTIVATION_ERROR * most(func) : 0);
}
