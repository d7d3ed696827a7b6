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

/**
 * What a network trained with CTC says: of each frame its likeliest class, repetitions and blanks (0) left out (Graves
 * et al. 2006, best path decoding).
 * @param logits [frames, width]
 */
export function readBestPath(logits: Float32Array, frames: number, width: number): number[] {
  const said: number[] = [];
  let before = 0;
  for (let t = 0; t < frames; t++) {
    const now = argmax(logits.subarray(t * width, (t + 1) * width));
    if (now !== before && now !== 0) said.push(now);
    before = now;
  }
  return said;
}

/** The least number of insertions, deletions and substitutions that make b of a (Levenshtein 1966). */
export function editDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const change = row[j]! + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(change, row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
