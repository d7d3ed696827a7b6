/** What a row of y says of each id: a number up to a constant, its probability, or the logarithm of that. */
export type OutputKind = 'logits' | 'probabilities' | 'logProbabilities';

/** The smallest positive f32: what a probability that has become zero in f32 counts as. */
const smallest = 2 ** -149;

/**
 * The natural logarithm of the probability of one id, in f64.
 * @param y rows of O values, of which the one from `at` counts
 */
export function logProbability(
  y: Float32Array,
  at: number,
  width: number,
  id: number,
  kind: OutputKind,
): number {
  const value = y[at + id]!;
  if (kind === 'logProbabilities') return value;
  if (kind === 'probabilities') return Math.log(Math.max(value, smallest));
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = at; i < at + width; i++) largest = Math.max(largest, y[i]!);
  let sum = 0;
  for (let i = at; i < at + width; i++) sum += Math.exp(y[i]! - largest);
  return value - largest - Math.log(sum);
}

/**
 * Draws an id from one row of y, every probability to the power 1/temperature; the likeliest at temperature 0.
 * @param weights O values of scratch
 * @returns -1 when the row has NaN in it
 */
export function sampleId(
  y: Float32Array,
  kind: OutputKind,
  temperature: number,
  random: () => number,
  weights: Float64Array,
): number {
  let best = 0;
  for (let i = 0; i < y.length; i++) {
    if (Number.isNaN(y[i]!)) return -1;
    if (y[i]! > y[best]!) best = i;
  }
  if (temperature === 0) return best;
  const scoreOf = (value: number) => (kind === 'probabilities' ? Math.log(value) : value);
  const largest = scoreOf(y[best]!);
  let sum = 0;
  for (let i = 0; i < y.length; i++) {
    sum += weights[i] = y[i]! === y[best]! ? 1 : Math.exp((scoreOf(y[i]!) - largest) / temperature);
  }
  let rest = random() * sum;
  for (let i = 0; i < y.length; i++) {
    rest -= weights[i]!;
    if (rest < 0) return i;
  }
  // Rounding may leave a crumb.
  return best;
}
