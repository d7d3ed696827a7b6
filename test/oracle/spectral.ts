import { seededRandom } from '#dist/base/random.js';

/** Up to this width the bound may have its cubic cost. */
const widestCubic = 256;
const squarings = 4;
const iterations = 64;
const failure = 1e-9;

/**
 * An upper bound of the largest factor by which W [height, width] can stretch a vector: its spectral norm, the
 * root of the largest eigenvalue of G = transpose(W) W.
 */
export function spectralBound(weights: ArrayLike<number>, height: number, width: number): number {
  if (width <= widestCubic) return boundBySquaring(weights, height, width);
  return Math.min(frobenius(weights), boundByIteration(weights, height, width));
}

/**
 * |G| = |G^m|^(1/m) <= F(G^m)^(1/m), F being the Frobenius norm: with m = 16 too large by at most width^(1/64)
 * for W, 9 % at width 256. Powers are kept in range by dividing each by its norm, whose logarithm is summed.
 */
function boundBySquaring(weights: ArrayLike<number>, height: number, width: number): number {
  let power: Float64Array = new Float64Array(width * width);
  for (let r = 0; r < height; r++) {
    for (let i = 0; i < width; i++) {
      const w = weights[r * width + i]!;
      for (let j = 0; j < width; j++) power[i * width + j]! += w * weights[r * width + j]!;
    }
  }
  let logarithm = 0;
  let share = 1;
  for (let k = 0; k < squarings; k++) {
    const norm = frobenius(power);
    if (norm === 0) return 0;
    logarithm += share * Math.log(norm);
    share /= 2;
    power = square(power, width, 1 / norm);
  }
  logarithm += share * Math.log(frobenius(power));
  // The last factor covers the f64 rounding of the sums above.
  return Math.exp(logarithm / 2) * (1 + 1e-9);
}

/**
 * For wide matrices: q steps of power iteration from a direction x drawn evenly. After Dixon (SIAM Journal on
 * Numerical Analysis 20, 1983) the largest eigenvalue is at most r (x . G^q x)^(1/q), but for a chance of
 * 0.8 sqrt(width) r^(-q/2); r is chosen to make that chance 1e-9. The direction is drawn from a fixed seed.
 */
function boundByIteration(weights: ArrayLike<number>, height: number, width: number): number {
  const random = seededRandom(width);
  // Normal numbers (Box and Muller) have no preferred direction.
  let x: Float64Array = Float64Array.from(
    { length: width },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
  const first = frobenius(x);
  x = x.map((v) => v / first);
  // |G^iterations x|^2 = x . G^q x with q twice the iterations
  let logarithm = 0;
  for (let k = 0; k < iterations; k++) {
    x = applyGram(weights, height, width, x);
    const norm = frobenius(x);
    if (norm === 0) return frobenius(weights);
    logarithm += Math.log(norm);
    x = x.map((v) => v / norm);
  }
  const q = 2 * iterations;
  const ratio = ((0.8 * Math.sqrt(width)) / failure) ** (2 / q);
  return Math.sqrt(ratio * Math.exp((2 * logarithm) / q));
}

/** G x = transpose(W) (W x) */
function applyGram(weights: ArrayLike<number>, height: number, width: number, x: Float64Array): Float64Array {
  const result = new Float64Array(width);
  for (let r = 0; r < height; r++) {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += weights[r * width + k]! * x[k]!;
    for (let k = 0; k < width; k++) result[k]! += sum * weights[r * width + k]!;
  }
  return result;
}

/** (scale G)^2 for a symmetric G. */
function square(matrix: Float64Array, width: number, scale: number): Float64Array {
  const result = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let k = 0; k < width; k++) {
      const left = matrix[i * width + k]! * scale * scale;
      for (let j = 0; j < width; j++) result[i * width + j]! += left * matrix[k * width + j]!;
    }
  }
  return result;
}

function frobenius(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}
