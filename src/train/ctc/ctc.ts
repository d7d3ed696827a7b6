/**
 * Connectionist temporal classification: Graves, Fernández, Gomez, Schmidhuber, "Connectionist Temporal
 * Classification: Labelling Unsegmented Sequence Data with Recurrent Neural Networks", ICML 2006, section 4.1.
 *
 * A path is a class for each step; class 0 is the blank. It reads as its classes with repetitions and then blanks
 * taken out. The S = 2U + 1 symbols of a labelling of U labels are a blank, a label, a blank … a blank:
 *
 *   symbol s    0   1   2   3   4  …  2U−1   2U
 *   class       0  l[0]  0  l[1]  0  … l[U−1]   0
 *
 * A path goes from symbol s to s, to s + 1, or, between two labels that differ, over the blank to s + 2.
 */

const NEVER = Number.NEGATIVE_INFINITY;

/** The least number of steps in which `labels` fit: one for each, and a blank between each two that are the same. */
export function ctcSteps(labels: ArrayLike<number>): number {
  let steps = labels.length;
  for (let u = 1; u < labels.length; u++) if (labels[u] === labels[u - 1]) steps++;
  return steps;
}

/** Numbers of scratch that ctcStream needs for up to `steps` steps, `longest` labels and `classes` classes. */
export function ctcScratch(steps: number, longest: number, classes: number): number {
  const symbols = 2 * longest + 1;
  return steps * (symbols + 1) + symbols + classes;
}

/**
 * The loss −ln p(labels | logits) of one stream, and its gradient.
 *
 *   α_t(s) = y_t(s) Σ α_{t−1}(from)                                              equations 5 to 7
 *   p      = α_{T−1}(S − 1) + α_{T−1}(S − 2)                                     equation 8
 *   β_t(s) = Σ y_{t+1}(to) β_{t+1}(to)      equations 9 to 11, without step t's own y, which α has
 *   dL/dlogits_t[k] = y_t[k] − (1 / p) Σ over the symbols s of class k of α_t(s) β_t(s)     equation 16
 *
 * y = softmax(logits). All sums are of logarithms in f64, so that no length underflows; the paper scales instead.
 * Math.exp and Math.log are the engine's own: the same bytes are promised within one engine.
 *
 * Labels that do not fit (steps < ctcSteps(labels)), and logits that leave them no chance, have an infinite loss; as
 * with PyTorch's zero_infinity, it is given as 0 with a gradient of 0. A NaN among the logits gives NaN.
 *
 * @param logits step t's row is `classes` floats at index `at + t · stride`; it becomes scale · dL/dlogits. What
 *   stands between rows is neither read nor written.
 * @param steps T, at least 0
 * @param labels [U] each within 1..classes−1, not checked here
 * @param scratch at least ctcScratch(steps, U, classes) numbers, of any content
 * @returns the loss in nats, not multiplied by `scale`
 */
export function ctcStream(
  logits: Float32Array,
  at: number,
  stride: number,
  steps: number,
  classes: number,
  labels: ArrayLike<number>,
  scale: number,
  scratch: Float64Array,
): number {
  if (steps < ctcSteps(labels)) return clear(logits, at, stride, steps, classes);
  if (steps === 0) return 0;
  const symbols = 2 * labels.length + 1;
  // scratch: ln α [T, S], then of each step ln Σ e^logit [T], ln(y β) of the step at hand [S], its sums by class [classes]
  const sums = steps * symbols;
  const beta = sums + steps;
  const shares = beta + symbols;

  for (let t = 0; t < steps; t++) scratch[sums + t] = logSum(logits, at + t * stride, classes);
  forward(logits, at, stride, steps, labels, scratch, sums);
  const end = steps * symbols - 1;
  const log = symbols === 1 ? scratch[end]! : logAdd(scratch[end]!, scratch[end - 1]!);
  if (log === NEVER) return clear(logits, at, stride, steps, classes);

  for (let t = steps - 1; t >= 0; t--) {
    const row = at + t * stride;
    const sum = scratch[sums + t]!;
    scratch.fill(0, shares, shares + classes);
    // Upwards, because β of step t + 1 at s and above is what β of step t at s is made of, in the same place.
    for (let s = 0; s < symbols; s++) {
      const kind = classOf(labels, s);
      const here = scratch[t * symbols + s]!;
      // Where no path is, none goes on.
      if (here === NEVER) {
        scratch[beta + s] = NEVER;
        continue;
      }
      let to: number;
      if (t === steps - 1) {
        to = s >= symbols - 2 ? 0 : NEVER;
      } else {
        to = logAdd(
          scratch[beta + s]!,
          s + 1 < symbols ? scratch[beta + s + 1]! : NEVER,
          s + 2 < symbols && skips(labels, s + 2) ? scratch[beta + s + 2]! : NEVER,
        );
      }
      scratch[shares + kind]! += Math.exp(here + to - log);
      scratch[beta + s] = to + logits[row + kind]! - sum;
    }
    for (let k = 0; k < classes; k++)
      logits[row + k] = scale * (Math.exp(logits[row + k]! - sum) - scratch[shares + k]!);
  }
  return -log;
}

/** ln α [T, S] to the start of scratch. A symbol that no path is at, or from which none can end, has α = 0. */
function forward(
  logits: Float32Array,
  at: number,
  stride: number,
  steps: number,
  labels: ArrayLike<number>,
  scratch: Float64Array,
  sums: number,
): void {
  const symbols = 2 * labels.length + 1;
  scratch.fill(NEVER, 0, steps * symbols);
  for (let t = 0; t < steps; t++) {
    const row = t * symbols;
    const most = Math.min(symbols - 1, 2 * t + 1);
    for (let s = Math.max(0, symbols - 2 * (steps - t)); s <= most; s++) {
      let from = 0;
      if (t > 0) {
        const before = row - symbols + s;
        from = logAdd(
          scratch[before]!,
          s > 0 ? scratch[before - 1]! : NEVER,
          skips(labels, s) ? scratch[before - 2]! : NEVER,
        );
      }
      scratch[row + s] = from + logits[at + t * stride + classOf(labels, s)]! - scratch[sums + t]!;
    }
  }
}

function classOf(labels: ArrayLike<number>, symbol: number): number {
  return symbol % 2 === 0 ? 0 : labels[(symbol - 1) / 2]!;
}

/** Whether a path may come to the symbol from the one two before it. */
function skips(labels: ArrayLike<number>, symbol: number): boolean {
  return symbol % 2 === 1 && symbol > 1 && labels[(symbol - 1) / 2] !== labels[(symbol - 3) / 2];
}

function clear(logits: Float32Array, at: number, stride: number, steps: number, classes: number): number {
  for (let t = 0; t < steps; t++) logits.fill(0, at + t * stride, at + t * stride + classes);
  return 0;
}

/** ln(e^a + e^b + e^c); a NaN stays one. */
export function logAdd(a: number, b: number, c = NEVER): number {
  const most = Math.max(a, b, c);
  if (most === NEVER) return most;
  // Most of the time is spent here: what counts for nothing is not worth an exponential.
  const sum = partOf(a, most) + partOf(b, most) + partOf(c, most);
  return most + Math.log(sum);
}

/** e^(x − most), and 0 where that is less than 2⁻⁵⁷, a sixteenth of what adding it to a number from 1 to 3 rounds off. */
function partOf(x: number, most: number): number {
  return x - most < -40 ? 0 : Math.exp(x - most);
}

/** ln Σ e^x over `count` values from index `at` on. */
export function logSum(x: Float32Array, at: number, count: number): number {
  let most = NEVER;
  for (let k = 0; k < count; k++) most = Math.max(most, x[at + k]!);
  if (most === NEVER) return most;
  let sum = 0;
  for (let k = 0; k < count; k++) sum += Math.exp(x[at + k]! - most);
  return most + Math.log(sum);
}
