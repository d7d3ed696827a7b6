import type { CombineSpec, NormSpec } from '#dist/model/spec.js';
import { add, type Bounded, bounded, exact, mostOf, multiply } from './bounded.js';
import { UNDERFLOW, UNIT_ROUNDOFF } from './tolerance.js';

/** Vectors one with another, element by element, from the first on. */
export function combine(kind: CombineSpec['combine'], vectors: readonly Bounded[]): Bounded {
  const operations = { add, subtract, multiply, divide };
  return vectors.reduce((a, b) => operations[kind](a, b));
}

function subtract(a: Bounded, b: Bounded): Bounded {
  return add(a, { ...b, value: b.value.map((v) => -v) });
}

/** a / b: a'/b' − a/b = ((a' − a) − (a/b)(b' − b)) / b', and nothing is known where b' may be 0. */
function divide(a: Bounded, b: Bounded): Bounded {
  const value = a.value.map((v, i) => v / b.value[i]!);
  const error = value.map((v, i) => {
    const least = Math.abs(b.value[i]!) - b.error[i]!;
    if (least <= 0) return Number.POSITIVE_INFINITY;
    const received = (a.error[i]! + Math.abs(v) * b.error[i]!) / least;
    return received + UNIT_ROUNDOFF * (Math.abs(v) + received) + UNDERFLOW;
  });
  return bounded(value, error, Number.POSITIVE_INFINITY);
}

/** x · weight + bias, element by element. */
export function scale(x: Bounded, weight: ArrayLike<number>, bias: ArrayLike<number>): Bounded {
  return add(multiply(x, exact(weight)), exact(bias));
}

/**
 * A group's (x − m) / s · weight + bias, m its mean or 0, s = √(mean square of x − m, + epsilon).
 *
 * Errors e of x move m by no more than their mean size, and s, which is a length of x − m, by no more than their root
 * mean square r. So n = (x − m) / s moves by (|e| + mean |e| + |n| r) / (s − r), and by no more than 2 √size: no n is
 * larger than √size. The kernel's own arithmetic is f64 up to n; then it is rounded, multiplied and added.
 */
export function normalise(
  x: Bounded,
  layer: NormSpec,
  weight: ArrayLike<number>,
  bias: ArrayLike<number> | undefined,
): Bounded {
  const { size: width, groups = 1, epsilon = 1e-5, norm = 'layer' } = layer;
  const size = width / groups;
  const value = new Float64Array(width);
  const error = new Float64Array(width);
  for (let first = 0; first < width; first += size) {
    const own = x.value.subarray(first, first + size);
    const errors = x.error.subarray(first, first + size);
    const centre = norm === 'layer' ? meanOf(own) : 0;
    const spread = Math.sqrt(meanOf(own.map((v) => (v - centre) ** 2)) + epsilon);
    const shift = norm === 'layer' ? meanOf(errors) : 0;
    const stretch = Math.sqrt(meanOf(errors.map((e) => e * e)));
    // 53 bits, of a mean that may be large beside the spread
    const rounding = (size + 4) * 2 ** -52 * (1 + mostOf(own.map(Math.abs)) / spread);
    for (let i = 0; i < size; i++) {
      const n = (own[i]! - centre) / spread;
      const moved =
        stretch < spread
          ? (errors[i]! + shift + Math.abs(n) * stretch) / (spread - stretch)
          : Number.POSITIVE_INFINITY;
      const received = Math.min(moved, 2 * Math.sqrt(size)) + rounding;
      const w = Math.abs(weight[first + i]!);
      const b = bias?.[first + i] ?? 0;
      value[first + i] = n * weight[first + i]! + b;
      error[first + i] =
        w * received + UNIT_ROUNDOFF * (3 * w * (Math.abs(n) + received) + 2 * Math.abs(b)) + UNDERFLOW;
    }
  }
  return bounded(value, error, Number.POSITIVE_INFINITY);
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}
