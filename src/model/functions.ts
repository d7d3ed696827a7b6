import { ArgumentTypeError } from '../base/errors.js';
import { number, oneOf, show } from '../base/guards.js';

/**
 * Element-wise functions, with the alpha and beta that ONNX gives them where they are left out:
 *
 *   tanh, sigmoid, relu, softsign x / (1 + |x|), softplus ln(1 + e^x), silu x σ(x), identity x
 *   affine αx + β (1, 0) · leakyRelu x < 0 ? αx : x (0.01) · thresholdedRelu x > α ? x : 0 (1)
 *   scaledTanh α tanh(βx) (1, 1) · hardSigmoid max(0, min(1, αx + β)) (0.2, 0.5) · elu x < 0 ? α (e^x − 1) : x (1)
 *   gelu x Φ(x), Φ the normal distribution function · geluTanh its approximation, ½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))
 */
export const functions = {
  tanh: [],
  sigmoid: [],
  relu: [],
  softsign: [],
  softplus: [],
  silu: [],
  identity: [],
  affine: [1, 0],
  leakyRelu: [0.01],
  thresholdedRelu: [1],
  scaledTanh: [1, 1],
  hardSigmoid: [0.2, 0.5],
  elu: [1],
  gelu: [],
  geluTanh: [],
} as const satisfies Record<string, readonly number[]>;

/** The name of an element-wise function; x is what it is applied to, alpha and beta are what it takes. */
export type FunctionName = keyof typeof functions;

/** Their numbers in assembly/math/functions.ts. */
export const functionCodes: Readonly<Record<FunctionName, number>> = {
  tanh: 0,
  sigmoid: 1,
  relu: 2,
  softsign: 3,
  softplus: 4,
  silu: 5,
  identity: 6,
  affine: 7,
  leakyRelu: 8,
  thresholdedRelu: 9,
  scaledTanh: 10,
  hardSigmoid: 11,
  elu: 12,
  gelu: 13,
  geluTanh: 14,
};

/** An element-wise function: its name, or its name with what it takes. */
export type Func = FunctionName | { function: FunctionName; alpha?: number; beta?: number };

/** A function with what it takes. */
export interface FullFunc {
  function: FunctionName;
  /** 0 where the function takes none */
  alpha: number;
  /** 0 where the function takes none */
  beta: number;
}

const names = Object.keys(functions) as FunctionName[];

/** A function with its alpha and beta, whether they were given or not. */
export function fullFunc(func: Func): FullFunc {
  const given = typeof func === 'string' ? { function: func } : func;
  const [alpha = 0, beta = 0] = functions[given.function] as readonly number[];
  return { function: given.function, alpha: given.alpha ?? alpha, beta: given.beta ?? beta };
}

/** Checks a function that may come from anywhere: a fresh copy, only the name where nothing is said beside it. */
export function checkFunc(value: unknown, what: string): Func {
  if (typeof value === 'string') return oneOf(value, what, names);
  if (value === null || typeof value !== 'object')
    throw new ArgumentTypeError(`${what} must be one of ${names.join(', ')}; got ${show(value)}.`);
  const given = value as Record<string, unknown>;
  const name = oneOf(given.function, `${what}: function`, names);
  const taken = checkTaken(name, given, what);
  return Object.keys(taken).length === 0 ? name : { function: name, ...taken };
}

/** Alpha and beta of a function, where they are given. */
export function checkTaken(
  name: string,
  given: Record<string, unknown>,
  what: string,
): { alpha?: number; beta?: number } {
  const takes = Object.hasOwn(functions, name) ? functions[name as FunctionName].length : 0;
  const taken: { alpha?: number; beta?: number } = {};
  for (const [index, field] of (['alpha', 'beta'] as const).entries()) {
    if (given[field] === undefined) continue;
    if (index >= takes) throw new ArgumentTypeError(`${what}: ${name} takes no ${field}.`);
    taken[field] = number(given[field], `${what}: ${field}`);
  }
  return taken;
}
