import { describe, expect, it } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { ctcScratch, ctcStream } from '#dist/train/ctc/ctc.js';
import { decodeBeam, decodeGreedy, editDistance } from '#dist/train/ctc/decode.js';
import { randomValues } from '../oracle/random.js';

/** Logits of which each step's softmax is the row. */
function logitsOf(rows: readonly (readonly number[])[]): Float32Array {
  return Float32Array.from(rows.flat(), Math.log);
}

function lossOf(logits: Float32Array, steps: number, classes: number, labels: number[]): number {
  const scratch = new Float64Array(ctcScratch(steps, labels.length, classes));
  return ctcStream(logits.slice(), 0, classes, steps, classes, labels, 1, scratch);
}

/** Every labelling of up to `longest` labels. */
function labellings(classes: number, longest: number): number[][] {
  if (longest === 0) return [[]];
  const shorter = labellings(classes, longest - 1);
  const next = shorter
    .filter((labels) => labels.length === longest - 1)
    .flatMap((labels) => Array.from({ length: classes - 1 }, (_, k) => [...labels, k + 1]));
  return [...shorter, ...next];
}

describe('decodeGreedy', () => {
  it('takes out repetitions, then blanks', () => {
    const path = [0, 1, 1, 0, 1, 2, 2, 0, 0, 3];
    const logits = Float32Array.from(path.flatMap((k) => [0, 1, 2, 3].map((c) => (c === k ? 1 : 0))));
    expect(decodeGreedy(logits, 0, 4, 10, 4)).toEqual([1, 1, 2, 3]);
    expect(decodeGreedy(logits, 8, 4, 1, 4)).toEqual([1]);
    expect(decodeGreedy(logits, 0, 4, 0, 4)).toEqual([]);
  });

  it('reads one stream of several', () => {
    // [T, B, O] of 3 steps, 2 streams, 2 classes
    const logits = Float32Array.from([0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0]);
    expect(decodeGreedy(logits, 0, 4, 3, 2)).toEqual([1, 1]);
    expect(decodeGreedy(logits, 2, 4, 3, 2)).toEqual([1]);
  });
});

describe('decodeBeam', () => {
  it('adds paths up where the best path misleads', () => {
    const logits = logitsOf([
      [0.6, 0.4],
      [0.6, 0.4],
    ]);
    expect(decodeGreedy(logits, 0, 2, 2, 2)).toEqual([]);
    const [best, second] = decodeBeam(logits, 0, 2, 2, 2, 8);
    expect(best!.labels).toEqual([1]);
    expect(best!.logProbability).toBeCloseTo(Math.log(0.64), 6);
    expect(second!.labels).toEqual([]);
    expect(second!.logProbability).toBeCloseTo(Math.log(0.36), 6);
  });

  it.each([1, 2, 3, 4])(
    'finds every labelling of %i steps with its probability when nothing is dropped',
    (steps) => {
      const logits = randomValues(seededRandom(steps), steps * 3, 2);
      const all = labellings(3, steps)
        .map((labels) => ({ labels, logProbability: -lossOf(logits, steps, 3, labels) }))
        // The loss of what does not fit is given as 0, and nothing fits with certainty.
        .filter(({ logProbability }) => logProbability !== 0)
        .sort((a, b) => b.logProbability - a.logProbability);
      const found = decodeBeam(logits, 0, 3, steps, 3, 1000);
      expect(found.map(({ labels }) => labels)).toEqual(all.map(({ labels }) => labels));
      for (const [i, { logProbability }] of found.entries())
        expect(logProbability).toBeCloseTo(all[i]!.logProbability, 10);
    },
  );

  it('keeps as many as it is told, each with no more than its probability', () => {
    const logits = randomValues(seededRandom(9), 3 + 12 * 7, 2);
    const found = decodeBeam(logits, 3, 7, 12, 5, 4);
    expect(found.length).toBe(4);
    const dense = Float32Array.from({ length: 60 }, (_, i) => logits[3 + Math.floor(i / 5) * 7 + (i % 5)]!);
    for (const { labels, logProbability } of found)
      expect(logProbability).toBeLessThan(-lossOf(dense, 12, 5, labels) + 1e-10);
    expect(() => decodeBeam(logits, 3, 7, 12, 5, 0)).toThrow(RangeError);
  });
});

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['kitten', 'sitting', 3],
    ['sunday', 'saturday', 3],
    ['abc', 'abc', 0],
    ['abcd', 'bcda', 2],
  ])('%s, %s: %i', (a, b, distance) => {
    const numbers = (text: string) => Array.from(text, (letter) => letter.charCodeAt(0));
    expect(editDistance(numbers(a), numbers(b))).toBe(distance);
    expect(editDistance(numbers(b), numbers(a))).toBe(distance);
  });
});
