import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { integer, number, object, oneOf, show } from '../base/guards.js';

/** How far training has come when a step is about to be made. */
export interface Progress {
  /** steps made before this one */
  step: number;
  /** epochs completed before this one */
  epoch: number;
  /** how many steps training will have in all, where that is known */
  steps?: number | undefined;
  /** the validation loss after each epoch so far, the oldest first */
  validations: readonly number[];
}

/** The learning rate of a step: a function of nothing but the progress, so that a resumed training has the same. */
export type Schedule = (progress: Progress) => number;

/** A rate that falls at every so many epochs or steps. */
export interface StepDecay {
  /** the first one, at least 0 */
  rate: number;
  /** what the rate is multiplied by at each decay, 0 < factor <= 1 */
  factor: number;
  /** how many epochs or steps lie between decays, at least 1 */
  every: number;
  /** how many lie before the first one; default `every` */
  after?: number;
  /** default 'epoch' */
  unit?: 'epoch' | 'step';
}

/** A warm-up and half a cosine. */
export interface Cosine {
  /** the highest rate, at least 0 */
  peak: number;
  /** steps of linear warm-up; default 0 */
  warmup?: number;
  /** the rate at the end; default 0 */
  final?: number;
  /** steps in all, warm-up included; default the progress's own */
  steps?: number;
}

/** A warm-up and a constant rate. */
export interface LinearWarmup {
  /** the rate after the warm-up, at least 0 */
  peak: number;
  /** steps, at least 1 */
  warmup: number;
}

/** A rate that falls when validation gets no better. */
export interface Plateau {
  /** the first one, at least 0 */
  rate: number;
  /** what the rate is divided by, above 1; default 4 */
  factor?: number;
  /** after how many epochs in a row without a better validation loss; default 1 */
  patience?: number;
  /** the rate falls no lower; default 0 */
  least?: number;
}

/** A schedule as plain data; survives JSON. A number is a constant rate. */
export type ScheduleSpec =
  | number
  | { kind: 'constant'; rate: number }
  | ({ kind: 'stepDecay' } & StepDecay)
  | ({ kind: 'cosine' } & Cosine)
  | ({ kind: 'linearWarmup' } & LinearWarmup)
  | ({ kind: 'plateau' } & Plateau);

/**
 * The same rate throughout.
 * @throws TypeError, RangeError for a rate below 0, as all schedules do
 */
export function constant(rate: number): Schedule {
  checkRate(rate, 'rate');
  return () => rate;
}

/** rate · factor^n after n decays; with `after` left out this is torch.optim.lr_scheduler.StepLR. */
export function stepDecay({ rate, factor, every, after = every, unit = 'epoch' }: StepDecay): Schedule {
  checkRate(rate, 'rate');
  number(factor, 'factor', Number.MIN_VALUE, 1);
  integer(every, 'every', 1);
  integer(after, 'after', 0);
  oneOf(unit, 'unit', ['epoch', 'step']);
  return (progress) => {
    const since = progress[unit] - after;
    return since < 0 ? rate : rate * factor ** (Math.floor(since / every) + 1);
  };
}

/**
 * After the warm-up half a cosine from `peak` down to `final`: Loshchilov, Hutter, "SGDR: Stochastic Gradient Descent
 * with Warm Restarts", ICLR 2017, equation 5, without restarts. Past the last step the rate stays `final`.
 */
export function cosine({ peak, warmup = 0, final = 0, steps }: Cosine): Schedule {
  checkRate(peak, 'peak');
  integer(warmup, 'warmup', 0);
  number(final, 'final', 0, peak);
  if (steps !== undefined) checkLength(steps, warmup);
  return (progress) => {
    const end = steps ?? progress.steps;
    if (end === undefined)
      throw new ArgumentTypeError(
        'a cosine schedule must know the number of steps: give it as `steps`; the batches do not tell.',
      );
    checkLength(end, warmup);
    if (progress.step < warmup) return warm(peak, warmup, progress.step);
    if (progress.step >= end) return final;
    const part = (progress.step - warmup) / (end - warmup);
    return final + ((peak - final) * (1 + Math.cos(Math.PI * part))) / 2;
  };
}

/** peak / warmup in the first step, peak in step `warmup` and from then on. */
export function linearWarmup({ peak, warmup }: LinearWarmup): Schedule {
  checkRate(peak, 'peak');
  integer(warmup, 'warmup', 1);
  return ({ step }) => (step < warmup ? warm(peak, warmup, step) : peak);
}

/**
 * The rate, divided by `factor` each time that `patience` validations in a row were no better than the best before
 * them. With the defaults this is what PyTorch's example word_language_model does.
 */
export function plateau({ rate, factor = 4, patience = 1, least = 0 }: Plateau): Schedule {
  checkRate(rate, 'rate');
  number(factor, 'factor');
  if (factor <= 1) throw new ArgumentRangeError(`factor must be above 1, got ${factor}.`);
  integer(patience, 'patience', 1);
  number(least, 'least', 0, rate);
  return ({ validations }) => {
    let best = Number.POSITIVE_INFINITY;
    let failed = 0;
    let falls = 0;
    for (const loss of validations) {
      // A NaN is no better than anything.
      if (loss < best) {
        best = loss;
        failed = 0;
      } else if (++failed === patience) {
        failed = 0;
        falls++;
      }
    }
    return Math.max(least, rate / factor ** falls);
  };
}

const fields = {
  constant: ['rate'],
  stepDecay: ['rate', 'factor', 'every', 'after', 'unit'],
  cosine: ['peak', 'warmup', 'final', 'steps'],
  linearWarmup: ['peak', 'warmup'],
  plateau: ['rate', 'factor', 'patience', 'least'],
} as const;

const kinds = Object.keys(fields) as (keyof typeof fields)[];

/**
 * Makes a schedule out of data that may come from anywhere.
 * @throws TypeError or RangeError naming the field
 */
export function scheduleOf(spec: ScheduleSpec): Schedule {
  if (typeof spec === 'number') return constant(spec);
  object(spec, 'a schedule');
  const kind = oneOf(spec.kind, 'kind', kinds);
  const known: readonly string[] = fields[kind];
  for (const field of Object.keys(spec)) {
    if (field !== 'kind' && !known.includes(field))
      throw new ArgumentTypeError(
        `a ${kind} schedule has no field ${show(field)}, only ${known.join(', ')}.`,
      );
  }
  switch (spec.kind) {
    case 'constant':
      return constant(spec.rate);
    case 'stepDecay':
      return stepDecay(spec);
    case 'cosine':
      return cosine(spec);
    case 'linearWarmup':
      return linearWarmup(spec);
    case 'plateau':
      return plateau(spec);
  }
}

/** A rate of 0 is allowed: it makes a step that changes nothing but the optimiser's averages. */
function checkRate(rate: number, what: string): void {
  number(rate, what, 0);
}

function checkLength(steps: number, warmup: number): void {
  integer(steps, 'steps', 1);
  if (steps < warmup)
    throw new ArgumentRangeError(
      `steps must be at least warmup, got ${steps} steps and ${warmup} of warm-up.`,
    );
}

function warm(peak: number, warmup: number, step: number): number {
  return (peak * (step + 1)) / warmup;
}
