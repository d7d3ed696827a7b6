import { ACTIVATION_ERROR, gamma, UNIT_ROUNDOFF } from '../oracle/tolerance.js';
import { exactly, type Node, type Round } from './tape.js';

/** What a loss says of one vector of logits, and what it sends back to it is added to the node's gradient. */

/**
 * −ln softmax(x)[target], in nats. Its slope is softmax(x) − onehot(target).
 * @param weight the slope is multiplied by it: 1 / (number of terms) for a mean
 * @param round as a Tape's; the bounds are of a program that computes in f32
 */
export function crossEntropy(x: Node, target: number, weight: number, round: Round = exactly): number {
  const logs = logSoftmax(x.value);
  const relative = ACTIVATION_ERROR + gamma(logs.length + 4);
  for (const [k, log] of logs.entries()) {
    const slope = Math.exp(log) - (k === target ? 1 : 0);
    const bound = relative * Math.exp(log) + UNIT_ROUNDOFF * Math.abs(slope);
    x.gradient[k]! += round(weight * slope, weight * bound);
  }
  const largest = x.value.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
  return round(-logs[target]!, 4 * relative * largest);
}

/**
 * −ln p(labels | x), in nats: the sum over all paths that give the labels once repetitions and then blanks (class 0)
 * are taken out. The sum is Graves et al. 2006, equations 5 to 8; the slope here is that recursion
 * differentiated line by line, from the last step to the first, without the paper's β.
 * @param steps one vector of logits for each step
 * @param weight as above
 * @param round the bounds are of a program that computes in f64 and leaves the slope in f32
 */
export function ctc(
  steps: readonly Node[],
  labels: ArrayLike<number>,
  weight: number,
  round: Round = exactly,
): number {
  const symbols = Array.from({ length: 2 * labels.length + 1 }, (_, s) =>
    s % 2 === 0 ? 0 : labels[(s - 1) / 2]!,
  );
  const last = symbols.length - 1;
  const canSkip = (s: number) => s >= 2 && symbols[s] !== 0 && symbols[s] !== symbols[s - 2];
  const before = (s: number) => [s, s - 1, ...(canSkip(s) ? [s - 2] : [])].filter((q) => q >= 0);
  const logs = steps.map((x) => logSoftmax(x.value));

  const alphas: number[][] = [];
  for (const [t, log] of logs.entries()) {
    const came = symbols.map((_, s) => {
      if (t > 0) return logSum(before(s).map((q) => alphas[t - 1]![q]!));
      return s <= 1 ? 0 : Number.NEGATIVE_INFINITY;
    });
    alphas.push(came.map((value, s) => value + log[symbols[s]!]!));
  }
  const ends = last === 0 ? [0] : [last - 1, last];
  const total = logSum(ends.map((s) => alphas.at(-1)![s]!));
  if (total === Number.NEGATIVE_INFINITY) throw new Error('the labels do not fit into the steps.');

  // d(−total)/dα of the step at hand; a term's part in a logSum is its slope.
  let slopes = symbols.map((_, s) => (ends.includes(s) ? -Math.exp(alphas.at(-1)![s]! - total) : 0));
  for (const [t, log] of [...logs.entries()].toReversed()) {
    const earlier = symbols.map(() => 0);
    const byClass = log.map(() => 0);
    for (const [s, slope] of slopes.entries()) {
      byClass[symbols[s]!]! += slope;
      if (t === 0 || slope === 0) continue;
      const sum = logSum(before(s).map((q) => alphas[t - 1]![q]!));
      for (const q of before(s)) earlier[q]! += slope * Math.exp(alphas[t - 1]![q]! - sum);
    }
    // ln softmax: d/dx_k = g_k − softmax_k Σ g
    const sum = byClass.reduce((total, g) => total + g, 0);
    for (const [k, g] of byClass.entries()) {
      const part = weight * (g - Math.exp(log[k]!) * sum);
      steps[t]!.gradient[k]! += round(part, UNIT_ROUNDOFF * Math.abs(part));
    }
    slopes = earlier;
  }
  return -total;
}

export function logSoftmax(x: ArrayLike<number>): Float64Array {
  const sum = logSum(Array.from(x));
  return Float64Array.from(x, (v) => v - sum);
}

/** ln Σ e^v */
export function logSum(values: readonly number[]): number {
  const most = Math.max(...values);
  if (most === Number.NEGATIVE_INFINITY) return most;
  return most + Math.log(values.reduce((sum, v) => sum + Math.exp(v - most), 0));
}
