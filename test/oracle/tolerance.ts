/**
 * Where every tolerance of the tests comes from. The programs under test compute in f32, the oracle in f64;
 * the oracle's own rounding is 2^-29 of theirs and is not counted. Nothing here is fitted to what a program
 * happens to give: the bounds are worst cases, so a correct program cannot exceed them.
 */

/** Half the distance from 1 to the next f32: the largest relative error of one rounded operation. */
export const UNIT_ROUNDOFF = 2 ** -24;

/**
 * The absolute error granted to one activation (sigmoid or tanh, alone or as a factor inside the combined
 * halves of an LSTM or a GRU), and the relative error granted to one exponential: 6.7 units of roundoff.
 */
export const ACTIVATION_ERROR = 4e-7;

/** What an operation near the end of the exponent's range may lose; e^-87, where exponentials are cut off, is below it. */
export const UNDERFLOW = 2 ** -125;

/**
 * gamma_K = K u / (1 - K u) (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1): a sum of K
 * products, in any order, fused or not, differs from the exact one by at most gamma_K times the sum of the
 * absolute products. A bias counts as one more product.
 */
export function gamma(terms: number): number {
  const rounding = terms * UNIT_ROUNDOFF;
  return rounding / (1 - rounding);
}

/** Error of an f32 dot product of length K over exact operands: gamma_K times the sum of |w| |x|. */
export function dotBound(w: ArrayLike<number>, x: ArrayLike<number>): number {
  let magnitude = 0;
  for (let k = 0; k < w.length; k++) magnitude += Math.abs(w[k]! * x[k]!);
  return gamma(w.length) * magnitude + w.length * UNDERFLOW;
}

/** A value that lies outside its bound. */
export interface Excess {
  index: number;
  actual: number;
  expected: number;
  bound: number;
}

/**
 * The value furthest beyond its bound, or null when |actual - expected| <= bound holds throughout. A NaN, a
 * different length or a bound that has grown to infinity is an excess too: none of them proves anything.
 */
export function findExcess(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  bound: ArrayLike<number>,
): Excess | null {
  let worst: Excess | null = null;
  let most = 0;
  for (let index = 0; index < Math.max(actual.length, expected.length); index++) {
    const one = {
      index,
      actual: actual[index] ?? Number.NaN,
      expected: expected[index] ?? Number.NaN,
      bound: bound[index] ?? Number.NaN,
    };
    const beyond = Math.abs(one.actual - one.expected) - one.bound;
    if (!(beyond <= 0) || !Number.isFinite(one.bound)) {
      if (!Number.isFinite(beyond)) return one;
      if (beyond > most) {
        most = beyond;
        worst = one;
      }
    }
  }
  return worst;
}
