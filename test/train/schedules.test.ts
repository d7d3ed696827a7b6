import { describe, expect, it, test } from 'vitest';
import {
  constant,
  cosine,
  linearWarmup,
  type Progress,
  plateau,
  type Schedule,
  type ScheduleSpec,
  scheduleOf,
  stepDecay,
} from '#dist/train/schedules.js';

const at = (progress: Partial<Progress>): Progress => ({ step: 0, epoch: 0, validations: [], ...progress });
const bySteps = (schedule: Schedule, steps: number[], all?: number) =>
  steps.map((step) => schedule(at({ step, steps: all })));

test('constant', () => {
  expect(bySteps(constant(0.5), [0, 7, 1e6])).toEqual([0.5, 0.5, 0.5]);
});

describe('stepDecay', () => {
  const byEpochs = (schedule: Schedule, epochs: number[]) => epochs.map((epoch) => schedule(at({ epoch })));

  it('by epochs, like StepLR', () => {
    const schedule = stepDecay({ rate: 8, factor: 0.5, every: 3 });
    expect(byEpochs(schedule, [0, 2, 3, 5, 6, 9])).toEqual([8, 8, 4, 4, 2, 1]);
  });

  it('late, and then each epoch', () => {
    const schedule = stepDecay({ rate: 8, factor: 0.5, every: 1, after: 4 });
    expect(byEpochs(schedule, [0, 3, 4, 5, 6])).toEqual([8, 8, 4, 2, 1]);
  });

  it('by steps', () => {
    expect(bySteps(stepDecay({ rate: 8, factor: 0.25, every: 10, unit: 'step' }), [9, 10, 20])).toEqual([
      8, 2, 0.5,
    ]);
  });
});

describe('cosine', () => {
  it('warms up, falls by half a cosine, and stays', () => {
    const rates = bySteps(cosine({ peak: 1, warmup: 4, final: 0.2 }), [0, 1, 3, 4, 6, 8, 10, 12, 99], 12);
    const half = Math.SQRT1_2 * 0.4;
    const expected = [0.25, 0.5, 1, 1, 0.6 + half, 0.6, 0.6 - half, 0.2, 0.2];
    for (const [i, rate] of rates.entries()) expect(rate).toBeCloseTo(expected[i]!, 12);
  });

  it('takes its own steps before the progress’s', () => {
    expect(bySteps(cosine({ peak: 1, steps: 2 }), [0, 1, 2], 100)).toEqual([1, 0.5, 0]);
  });

  it('is all warm-up when that is all there is', () => {
    expect(bySteps(cosine({ peak: 1, warmup: 2, steps: 2 }), [0, 1, 2])).toEqual([0.5, 1, 0]);
  });

  it('needs an end that lies past the warm-up', () => {
    expect(() => cosine({ peak: 1 })(at({}))).toThrow(/number of steps/);
    expect(() => cosine({ peak: 1, warmup: 5 })(at({ steps: 4 }))).toThrow(RangeError);
    expect(() => cosine({ peak: 1, warmup: 5, steps: 4 })).toThrow(RangeError);
  });
});

test('linearWarmup', () => {
  expect(bySteps(linearWarmup({ peak: 2, warmup: 4 }), [0, 1, 2, 3, 4, 100])).toEqual([0.5, 1, 1.5, 2, 2, 2]);
});

describe('plateau', () => {
  const rateAfter = (schedule: Schedule, validations: number[]) => schedule(at({ validations }));

  it('divides by four after each epoch that is no better than the best', () => {
    const schedule = plateau({ rate: 20 });
    expect(rateAfter(schedule, [])).toBe(20);
    expect(rateAfter(schedule, [5, 4, 3])).toBe(20);
    expect(rateAfter(schedule, [5, 4, 4])).toBe(5);
    // 4.5 is better than 4.6, but not than the best.
    expect(rateAfter(schedule, [5, 4, 4.6, 4.5])).toBe(1.25);
    expect(rateAfter(schedule, [5, 4, 4.6, 3])).toBe(5);
  });

  it('waits for so many epochs in a row, and then anew', () => {
    const schedule = plateau({ rate: 8, factor: 2, patience: 2, least: 3 });
    expect(rateAfter(schedule, [4, 5])).toBe(8);
    expect(rateAfter(schedule, [4, 5, 3, 5])).toBe(8);
    expect(rateAfter(schedule, [4, 5, 5])).toBe(4);
    expect(rateAfter(schedule, [4, 5, 5, 5])).toBe(4);
    expect(rateAfter(schedule, [4, 5, 5, 5, 5])).toBe(3);
  });

  it('holds a NaN for no improvement', () => {
    expect(rateAfter(plateau({ rate: 4 }), [Number.NaN])).toBe(1);
    expect(rateAfter(plateau({ rate: 4 }), [3, Number.NaN, 2])).toBe(1);
  });
});

describe('scheduleOf', () => {
  const progress = at({ step: 3, epoch: 2, steps: 10, validations: [2, 3] });

  it.each<[ScheduleSpec, Schedule]>([
    [0.1, constant(0.1)],
    [{ kind: 'constant', rate: 0.1 }, constant(0.1)],
    [{ kind: 'stepDecay', rate: 1, factor: 0.5, every: 1 }, stepDecay({ rate: 1, factor: 0.5, every: 1 })],
    [{ kind: 'cosine', peak: 1, warmup: 2, final: 0.1 }, cosine({ peak: 1, warmup: 2, final: 0.1 })],
    [{ kind: 'linearWarmup', peak: 1, warmup: 9 }, linearWarmup({ peak: 1, warmup: 9 })],
    [{ kind: 'plateau', rate: 1, factor: 3 }, plateau({ rate: 1, factor: 3 })],
  ])('%j, through JSON', (spec, expected) => {
    const schedule = scheduleOf(JSON.parse(JSON.stringify(spec)));
    expect(schedule(progress)).toBe(expected(progress));
  });

  it.each<[unknown, new (message: string) => Error, RegExp]>([
    [undefined, TypeError, /a schedule must be an object/],
    ['cosine', TypeError, /a schedule must be an object/],
    [{}, TypeError, /kind must be one of constant, stepDecay/],
    [{ kind: 'toString' }, RangeError, /kind must be one of/],
    [-1, RangeError, /rate must be a finite number at least 0, got -1/],
    [Number.NaN, RangeError, /rate must be a finite number/],
    [{ kind: 'constant' }, TypeError, /rate must be a number, got undefined/],
    [{ kind: 'constant', rate: 1, peak: 2 }, TypeError, /constant schedule has no field "peak", only rate/],
    [{ kind: 'cosine', peak: 1, warmUp: 2 }, TypeError, /has no field "warmUp"/],
    [{ kind: 'cosine', peak: 1, final: 2 }, RangeError, /final must be a finite number within 0..1/],
    [{ kind: 'cosine', peak: 1, warmup: 1.5 }, RangeError, /warmup must be an integer/],
    [{ kind: 'linearWarmup', peak: 1, warmup: 0 }, RangeError, /warmup/],
    [{ kind: 'stepDecay', rate: 1, factor: 0, every: 1 }, RangeError, /factor/],
    [{ kind: 'stepDecay', rate: 1, factor: 2, every: 1 }, RangeError, /factor/],
    [{ kind: 'stepDecay', rate: 1, factor: 0.5, every: 1, unit: 'week' }, RangeError, /unit must be one of/],
    [{ kind: 'plateau', rate: 1, factor: 1 }, RangeError, /factor must be above 1/],
    [{ kind: 'plateau', rate: 1, patience: 0 }, RangeError, /patience/],
  ])('refuses %j', (spec, kind, message) => {
    expect(() => scheduleOf(spec as ScheduleSpec)).toThrow(kind);
    expect(() => scheduleOf(spec as ScheduleSpec)).toThrow(message);
  });
});
