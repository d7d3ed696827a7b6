/** ln softmax of one row of logits, in f64: out[i] = x[i] − ln Σ e^x. */
export function logSoftmax(x: Float32Array, out: Float64Array): void {
  const all = logSum(x);
  for (let i = 0; i < x.length; i++) out[i] = x[i]! - all;
}

/** ln Σ e^x[i], the largest taken out so that nothing overflows. */
export function logSum(x: Float32Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < x.length; i++) most = Math.max(most, x[i]!);
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += Math.exp(x[i]! - most);
  return most + Math.log(sum);
}

/** Place of the first largest. */
export function argmax(x: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < x.length; i++) if (x[i]! > x[best]!) best = i;
  return best;
}
