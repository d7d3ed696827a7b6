import { ACTIVATION_ERROR, gamma, UNDERFLOW, UNIT_ROUNDOFF } from './tolerance.js';

/**
 * A vector as exact arithmetic gives it, with what an f32 program may be off by: this is a running error
 * analysis, each operation handing on the error it received and adding its own.
 *
 * Two bounds go side by side. `error` bounds each element. `norm` bounds the Euclidean length of the whole
 * error. Element by element, a recurrence multiplies errors by the rows' sums of |w| at each step, about
 * sqrt(D)/2 for trained-size weights, and such a bound explodes within tens of steps; by length it multiplies
 * them by the spectral norm, about 1. Each bound limits the other: no element is off by more than the whole.
 */
export interface Bounded {
  readonly value: Float64Array;
  readonly error: Float64Array;
  readonly norm: number;
}

/** weights [height, width], row after row. `stretch` is an upper bound of its spectral norm, where errors recur. */
export interface Matrix {
  readonly weights: ArrayLike<number>;
  readonly height: number;
  readonly width: number;
  readonly stretch?: number;
}

/** Values that the program under test was given: nothing is off yet. */
export function exact(values: ArrayLike<number>): Bounded {
  return { value: Float64Array.from(values), error: new Float64Array(values.length), norm: 0 };
}

/** Joins vectors end to end. */
export function join(parts: readonly Bounded[]): Bounded {
  const value = Float64Array.from(parts.flatMap((part) => [...part.value]));
  const error = Float64Array.from(parts.flatMap((part) => [...part.error]));
  return bounded(value, error, lengthOf(parts.map((part) => part.norm)));
}

/** The sum of matrix times vector over `products`, plus the biases, added up in any order. */
export function affine(
  products: readonly { matrix: Matrix; vector: Bounded }[],
  biases: readonly ArrayLike<number>[],
): Bounded {
  const height = products[0]!.matrix.height;
  const value = new Float64Array(height);
  const error = new Float64Array(height);
  const local = new Float64Array(height);
  const terms = biases.length + products.reduce((sum, { matrix }) => sum + matrix.width, 0);
  for (let row = 0; row < height; row++) {
    let sum = 0;
    let magnitude = 0;
    let recurring = 0;
    for (const { matrix, vector } of products) {
      const first = row * matrix.width;
      let received = 0;
      let squares = 0;
      for (let k = 0; k < matrix.width; k++) {
        const w = matrix.weights[first + k]!;
        const size = Math.abs(w);
        sum += w * vector.value[k]!;
        magnitude += size * (Math.abs(vector.value[k]!) + vector.error[k]!);
        received += size * vector.error[k]!;
        squares += w * w;
      }
      // Cauchy and Schwarz: |w . e| is at most the product of the lengths.
      received = Math.min(received, Math.sqrt(squares) * vector.norm);
      if (matrix.stretch === undefined) local[row]! += received;
      else recurring += received;
    }
    for (const bias of biases) {
      sum += bias[row]!;
      magnitude += Math.abs(bias[row]!);
    }
    local[row]! += gamma(terms) * magnitude + terms * UNDERFLOW;
    value[row] = sum;
    error[row] = local[row]! + recurring;
  }
  let norm = lengthOf(local);
  for (const { matrix, vector } of products) norm += (matrix.stretch ?? 0) * vector.norm;
  return bounded(value, error, norm);
}

/** 1 / (1 + e^-x); its slope s(1 - s) is at most 1/4, and falls away from 0. */
export function sigmoid(x: Bounded): Bounded {
  const at = (v: number) => 1 / (1 + Math.exp(-v));
  return apply(
    x,
    at,
    (v, off) => at(nearest(v, off)) * at(-nearest(v, off)),
    () => ACTIVATION_ERROR,
  );
}

/** tanh; its slope 1 - tanh^2 is at most 1, and falls away from 0. */
export function tanh(x: Bounded): Bounded {
  return apply(
    x,
    Math.tanh,
    (v, off) => 1 - Math.tanh(nearest(v, off)) ** 2,
    () => ACTIVATION_ERROR,
  );
}

/** max(x, 0): slope 0 or 1, no rounding. */
export function relu(x: Bounded): Bounded {
  return apply(
    x,
    (v) => Math.max(v, 0),
    () => 1,
    () => 0,
  );
}

/** The least size that v can have in the program. */
export function nearest(v: number, off: number): number {
  return Math.max(0, Math.abs(v) - off);
}

/** a b, element by element: a' b' - ab = a (b' - b) + (a' - a) b', a' and b' being what the program has. */
export function multiply(a: Bounded, b: Bounded): Bounded {
  const rounding = a.value.map(
    (v, i) => UNIT_ROUNDOFF * (Math.abs(v) + a.error[i]!) * (Math.abs(b.value[i]!) + b.error[i]!) + UNDERFLOW,
  );
  return bounded(
    a.value.map((v, i) => v * b.value[i]!),
    rounding.map((r, i) => r + Math.abs(a.value[i]!) * b.error[i]! + a.error[i]! * reach(b, i)),
    mostOf(a.value.map(Math.abs)) * b.norm + mostReach(b) * a.norm + lengthOf(rounding),
  );
}

/** a + b, element by element. */
export function add(a: Bounded, b: Bounded): Bounded {
  const rounding = a.value.map((_, i) => UNIT_ROUNDOFF * (reach(a, i) + reach(b, i)));
  return bounded(
    a.value.map((v, i) => v + b.value[i]!),
    rounding.map((r, i) => r + a.error[i]! + b.error[i]!),
    a.norm + b.norm + lengthOf(rounding),
  );
}

/** a / b, element by element, for b that stays away from 0: a'/b' - a/b = (a' - a)/b' - (a/b)(b' - b)/b'. */
export function divide(a: Bounded, b: Bounded): Bounded {
  const least = b.value.map((v, i) => nearest(v, b.error[i]!));
  const value = a.value.map((v, i) => v / b.value[i]!);
  const error = value.map((v, i) => {
    const received = (a.error[i]! + Math.abs(v) * b.error[i]!) / least[i]!;
    return received + UNIT_ROUNDOFF * (Math.abs(v) + received) + UNDERFLOW;
  });
  return bounded(value, error, lengthOf(error));
}

/** The larger of a and b, element by element: no rounding, and off by no more than one of them is. */
export function larger(a: Bounded, b: Bounded): Bounded {
  return bounded(
    a.value.map((v, i) => Math.max(v, b.value[i]!)),
    a.error.map((e, i) => Math.max(e, b.error[i]!)),
    a.norm + b.norm,
  );
}

/**
 * (1 - z) n + z h for z within 0..1. With z' n' h' what the program has, the difference is
 * (1 - z')(n' - n) + z'(h' - h) + (z' - z)(h - n). The rounding covers the sum as written, n + z (h - n), and
 * one division by a shared denominator: at most four roundings of each of n and h.
 */
export function blend(z: Bounded, n: Bounded, h: Bounded): Bounded {
  const rounding = z.value.map((_, i) => 4 * UNIT_ROUNDOFF * (reach(n, i) + reach(h, i)));
  const keep = z.value.map((v, i) => v + z.error[i]!);
  const take = z.value.map((v, i) => 1 - v + z.error[i]!);
  const apart = z.value.map((_, i) => Math.abs(h.value[i]! - n.value[i]!));
  return bounded(
    z.value.map((v, i) => (1 - v) * n.value[i]! + v * h.value[i]!),
    rounding.map((r, i) => r + take[i]! * n.error[i]! + keep[i]! * h.error[i]! + apart[i]! * z.error[i]!),
    mostOf(take) * n.norm + mostOf(keep) * h.norm + mostOf(apart) * z.norm + lengthOf(rounding),
  );
}

/**
 * e^(x - m) / sum of e^(x - m), m being the largest x. Errors of at most E in x multiply each exponential by
 * e^-E .. e^E, so each quotient by e^-2E .. e^2E. Rounding is relative too: of x - m, of the exponential, of
 * the sum and of the division, for numerator and denominator.
 */
export function softmax(x: Bounded): Bounded {
  const most = mostOf(x.value);
  const powers = x.value.map((v) => Math.exp(v - most));
  const sum = powers.reduce((total, e) => total + e, 0);
  const value = powers.map((e) => e / sum);
  const below = exponentErrors(x, most);
  const shared = value.reduce((total, s, i) => total + s * below[i]!, gamma(x.value.length + 3));
  const received = 2 * mostOf(x.error);
  const error = value.map((s, i) => {
    const relative = received + below[i]! + shared;
    // Far below the largest x the relative error is beyond all bounds, and the value is next to nothing.
    const grown = relative < 1 ? s * Math.expm1(relative) : Math.exp(x.value[i]! - most + relative) / sum;
    return grown + UNDERFLOW;
  });
  return bounded(value, error, Number.POSITIVE_INFINITY);
}

/**
 * x - m - ln(sum of e^(x - m)). The logarithm of the sum moves by no more than the largest error in x; a
 * relative error r of the sum becomes at most r / (1 - r). Rounding of m, of the differences, of the logarithm.
 */
export function logSoftmax(x: Bounded): Bounded {
  const most = mostOf(x.value);
  const powers = x.value.map((v) => Math.exp(v - most));
  const sum = powers.reduce((total, e) => total + e, 0);
  const below = exponentErrors(x, most);
  const relative = powers.reduce((total, e, i) => total + (e / sum) * below[i]!, gamma(x.value.length));
  const logarithm = Math.log(sum);
  const shared = mostOf(x.error) + relative / (1 - relative) + ACTIVATION_ERROR * Math.max(1, logarithm);
  const error = x.value.map((v, i) => {
    const sizes =
      Math.abs(most) + Math.abs(v) + Math.abs(v - most) + logarithm + Math.abs(v - most - logarithm);
    return x.error[i]! + shared + 2 * UNIT_ROUNDOFF * sizes;
  });
  return bounded(
    x.value.map((v) => v - most - logarithm),
    error,
    Number.POSITIVE_INFINITY,
  );
}

/** Relative errors of the f32 exponentials e^(x - m): of the difference's rounding and of the exponential itself. */
function exponentErrors(x: Bounded, most: number): Float64Array {
  return x.value.map((v, i) => UNIT_ROUNDOFF * (most - v + x.error[i]! + mostOf(x.error)) + ACTIVATION_ERROR);
}

/**
 * f of each element.
 * @param slope how steep f is at most within `off` of an argument
 * @param own f's own error in f32 at an argument
 */
export function apply(
  x: Bounded,
  f: (v: number) => number,
  slope: (v: number, off: number) => number,
  own: (v: number) => number,
): Bounded {
  const slopes = x.value.map((v, i) => slope(v, x.error[i]!));
  const owns = x.value.map(own);
  return bounded(
    x.value.map(f),
    slopes.map((s, i) => s * x.error[i]! + owns[i]!),
    mostOf(slopes) * x.norm + lengthOf(owns),
  );
}

/** A vector with both bounds, each limited by the other. */
export function bounded(value: Float64Array, error: Float64Array, norm: number): Bounded {
  const limited = error.map((e) => Math.min(e, norm));
  return { value, error: limited, norm: Math.min(norm, lengthOf(limited)) };
}

/** The largest size that the program's element can have. */
function reach(x: Bounded, i: number): number {
  return Math.abs(x.value[i]!) + x.error[i]!;
}

function mostReach(x: Bounded): number {
  return mostOf(x.value.map((_, i) => reach(x, i)));
}

export function mostOf(values: Float64Array): number {
  return values.reduce((most, v) => Math.max(most, v), Number.NEGATIVE_INFINITY);
}

function lengthOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}
