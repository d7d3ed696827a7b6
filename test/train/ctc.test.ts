import { describe, expect, it } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { ctcScratch, ctcSteps, ctcStream } from '#dist/train/ctc/ctc.js';
import { randomValues } from '../oracle/random.js';
import { UNIT_ROUNDOFF } from '../oracle/tolerance.js';
import { ctc } from './losses.js';
import { Tape } from './tape.js';

/** f64 arithmetic of both sides: some roundings of logarithms below 1000, at each of up to 200 steps. */
const SAME = 1e-10;

interface Case {
  steps: number;
  classes: number;
  labels: number[];
  scale?: number;
  spread?: number;
}

/** Runs one stream that lies between others' values; scratch is of the least size and starts out as garbage. */
function run(
  { steps, classes, labels, scale = 1, spread = 1 }: Case,
  change?: (logits: Float32Array) => void,
) {
  const [at, stride] = [3, classes + 2];
  const logits = randomValues(seededRandom(steps * 31 + classes), at + steps * stride, spread);
  change?.(logits);
  const before = logits.slice();
  const scratch = new Float64Array(ctcScratch(steps, labels.length, classes)).fill(Number.NaN);
  const loss = ctcStream(logits, at, stride, steps, classes, labels, scale, scratch);
  const rows = (from: Float32Array) =>
    Array.from({ length: steps }, (_, t) => from.subarray(at + t * stride, at + t * stride + classes));
  const outside = (from: Float32Array) => from.filter((_, i) => i < at || (i - at) % stride >= classes);
  expect(outside(logits)).toEqual(outside(before));
  return { loss, gradients: rows(logits), logits: rows(before) };
}

const cases: Case[] = [
  { steps: 1, classes: 2, labels: [] },
  { steps: 1, classes: 1, labels: [] },
  { steps: 1, classes: 2, labels: [1] },
  { steps: 7, classes: 3, labels: [] },
  { steps: 2, classes: 3, labels: [1, 2] },
  { steps: 3, classes: 3, labels: [2, 2] },
  { steps: 5, classes: 4, labels: [1, 1, 1] },
  { steps: 9, classes: 5, labels: [1, 2, 2, 4], scale: 0.125 },
  { steps: 40, classes: 17, labels: [3, 16, 3, 3, 1, 9, 9, 2, 15], spread: 10 },
  // Probabilities of about e^-700 and less: below what f64 can hold without logarithms.
  { steps: 200, classes: 60, labels: Array.from({ length: 90 }, (_, u) => 1 + ((u * 7) % 59)), spread: 5 },
];

describe('ctcStream', () => {
  it.each(cases)('$steps steps, labels $labels: loss and gradient of the oracle', (given) => {
    const { scale = 1, labels } = given;
    const { loss, gradients, logits } = run(given);
    const tape = new Tape();
    const nodes = logits.map((row) => tape.leaf(row));
    const expected = ctc(nodes, labels, scale);
    expect(Math.abs(loss - expected)).toBeLessThan(SAME * Math.max(1, expected));
    for (const [t, { gradient }] of nodes.entries()) {
      for (const [k, g] of gradient.entries()) {
        const bound = UNIT_ROUNDOFF * Math.abs(g) + SAME;
        expect(Math.abs(gradients[t]![k]! - g), `[${t}][${k}]`).toBeLessThan(bound);
      }
    }
  });

  it('gives the same bytes wherever the rows stand and whatever the scratch holds', () => {
    const given = cases[7]!;
    const first = run(given);
    const logits = Float32Array.from(first.logits.flatMap((row) => [...row]));
    const scratch = new Float64Array(ctcScratch(50, 20, given.classes)).fill(7);
    expect(
      ctcStream(logits, 0, given.classes, given.steps, given.classes, given.labels, 0.125, scratch),
    ).toBe(first.loss);
    expect([...logits]).toEqual(first.gradients.flatMap((row) => [...row]));
  });

  it('counts labels that do not fit as nothing', () => {
    for (const { steps, labels } of [
      { steps: 2, labels: [1, 1] },
      { steps: 0, labels: [1] },
      { steps: 1, labels: [1, 2] },
    ]) {
      expect(steps).toBeLessThan(ctcSteps(labels));
      const { loss, gradients } = run({ steps, classes: 3, labels });
      expect(loss).toBe(0);
      for (const row of gradients) expect([...row]).toEqual([0, 0, 0]);
    }
  });

  it('counts labels that have no chance as nothing', () => {
    const { loss, gradients } = run({ steps: 3, classes: 3, labels: [2] }, (logits) => {
      for (let i = 0; i < logits.length; i++) if ((i - 3) % 5 === 2) logits[i] = Number.NEGATIVE_INFINITY;
    });
    expect(loss).toBe(0);
    for (const row of gradients) expect([...row]).toEqual([0, 0, 0]);
  });

  it('no steps and no labels are no loss', () => {
    expect(run({ steps: 0, classes: 3, labels: [] }).loss).toBe(0);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('%d among the logits shows', (value) => {
    for (const k of [3, 4, 5, 18]) {
      const { loss } = run({ steps: 4, classes: 3, labels: [1, 1] }, (logits) => {
        logits[k] = value;
      });
      expect(loss).toBeNaN();
    }
  });

  it('gradients of a step add up to nothing', () => {
    for (const row of run(cases[8]!).gradients) {
      const sum = row.reduce((total, g) => total + g, 0);
      expect(Math.abs(sum)).toBeLessThan(17 * UNIT_ROUNDOFF);
    }
  });
});

describe('ctcSteps', () => {
  it.each([
    [[], 0],
    [[3], 1],
    [[1, 2, 1], 3],
    [[1, 1], 3],
    [[2, 2, 2, 1, 1], 8],
  ])('%j needs %i', (labels, steps) => {
    expect(ctcSteps(labels)).toBe(steps);
    expect(run({ steps, classes: 4, labels, spread: 3 }).loss).toBeGreaterThanOrEqual(0);
    if (steps > 0) expect(run({ steps, classes: 4, labels }).loss).toBeGreaterThan(0);
  });
});
