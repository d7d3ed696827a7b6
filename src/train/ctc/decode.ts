import { integer } from '../../base/guards.js';
import { logAdd, logSum } from './ctc.js';

/** A labelling and ln of its probability, as far as the search has seen it. */
export interface Labelling {
  /** classes, without blanks */
  labels: number[];
  /** natural logarithm, at most 0 */
  logProbability: number;
}

interface Prefix {
  labels: number[];
  /** ln of the probability of the paths so far that read as the prefix and end in a blank */
  blank: number;
  /** the same of those that end in its last label */
  label: number;
}

/**
 * Reads the most probable path of one stream: the largest class of each step, without repetitions and blanks
 * (Graves et al. 2006, section 3.2, "best path decoding"). Of equal classes the first counts.
 * @param logits or probabilities, or their logarithms; step t's row is `classes` floats at index `at + t · stride`:
 *   of y [T, B, O] stream b has `at` b · O and `stride` B · O
 */
export function decodeGreedy(
  logits: Float32Array,
  at: number,
  stride: number,
  steps: number,
  classes: number,
): number[] {
  const labels: number[] = [];
  let before = 0;
  for (let t = 0; t < steps; t++) {
    const row = at + t * stride;
    let best = 0;
    for (let k = 1; k < classes; k++) if (logits[row + k]! > logits[row + best]!) best = k;
    if (best !== 0 && best !== before) labels.push(best);
    before = best;
  }
  return labels;
}

/**
 * Searches the most probable labellings of one stream, adding up the paths that read the same: the prefix beam search
 * of Hannun, Maas, Jurafsky, Ng, "First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional
 * Recurrent DNNs", 2014, algorithm 1, without a language model.
 * @param logits as decodeGreedy takes them; a softmax is taken of each row
 * @param width how many prefixes are kept after each step
 * @returns up to `width` labellings, the most probable first. Each one's probability is at most its true one, and is
 *   that one when `width` is so large that no prefix was dropped.
 */
export function decodeBeam(
  logits: Float32Array,
  at: number,
  stride: number,
  steps: number,
  classes: number,
  width: number,
): Labelling[] {
  integer(width, 'width', 1);
  let beam: Prefix[] = [{ labels: [], blank: 0, label: Number.NEGATIVE_INFINITY }];
  for (let t = 0; t < steps; t++) {
    const row = at + t * stride;
    const sum = logSum(logits, row, classes);
    const next = new Map<string, Prefix>();
    for (const prefix of beam) {
      const total = totalOf(prefix);
      const last = prefix.labels.at(-1);
      const key = prefix.labels.join();
      const same = reach(next, key, prefix.labels);
      same.blank = logAdd(same.blank, total + logits[row]! - sum);
      if (last !== undefined) same.label = logAdd(same.label, prefix.label + logits[row + last]! - sum);
      for (let k = 1; k < classes; k++) {
        // The last label again is a new one only after a blank.
        const from = k === last ? prefix.blank : total;
        if (from === Number.NEGATIVE_INFINITY) continue;
        const longer = reach(next, key === '' ? `${k}` : `${key},${k}`, prefix.labels, k);
        longer.label = logAdd(longer.label, from + logits[row + k]! - sum);
      }
    }
    beam = [...next.values()].sort((a, b) => totalOf(b) - totalOf(a)).slice(0, width);
  }
  return beam.map((prefix) => ({ labels: prefix.labels, logProbability: totalOf(prefix) }));
}

function reach(all: Map<string, Prefix>, key: string, labels: number[], more?: number): Prefix {
  let prefix = all.get(key);
  if (prefix === undefined) {
    prefix = {
      labels: more === undefined ? labels : [...labels, more],
      blank: Number.NEGATIVE_INFINITY,
      label: Number.NEGATIVE_INFINITY,
    };
    all.set(key, prefix);
  }
  return prefix;
}

function totalOf({ blank, label }: Prefix): number {
  return logAdd(blank, label);
}

/**
 * The least number of insertions, deletions and substitutions that make `b` of `a` (Levenshtein 1966). The label error
 * rate of Graves et al. 2006, equation 2, is Σ editDistance(found, wanted) / Σ wanted.length.
 */
export function editDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  // row[j]: the distance between what has been read of a and the first j of b
  const row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    let diagonal = row[0]!;
    row[0] = i + 1;
    for (let j = 1; j <= b.length; j++) {
      const substituted = diagonal + (a[i] === b[j - 1] ? 0 : 1);
      diagonal = row[j]!;
      row[j] = Math.min(substituted, diagonal + 1, row[j - 1]! + 1);
    }
  }
  return row[b.length]!;
}
