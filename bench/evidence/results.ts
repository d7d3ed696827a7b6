import type { Origin } from '../origin.js';
import type { Parameters, Structure } from './sizes.js';
import type { Group, Settings, Task } from './task.js';

/** One network that is to be trained. */
export interface Run {
  group: string;
  fold: string;
  structure: Structure;
  seed: number;
}

/** An epoch of the curve. */
export interface Point {
  epoch: number;
  /** mean nats in training, dropout included */
  loss: number;
  /** mean nats in validation */
  validation?: number;
  /** of all threads' processors in training so far, validation included: what else the machine does counts less */
  seconds: number;
}

/** What a file in bench/results/evidence/TASK holds. */
export interface Result extends Run, Origin {
  task: string;
  hidden: number;
  blocks: number;
  parameters: Parameters;
  /** of one step of one stream */
  multiplyAdds: number;
  metrics: Record<string, number>;
  curve: Point[];
  /** seconds of all threads' processors */
  trainingSeconds: number;
  threads: number;
  kernels: string;
  /** µs of session.step, one stream, one thread */
  step: { best: number; median: number };
  settings: Settings;
  facts: Record<string, number>;
}

/** The runs of a group, those that are compared one after the other. */
export function listRuns(group: Group, structures: readonly Structure[], seeds: number): Run[] {
  const runs: Run[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    for (const fold of group.folds) {
      for (const structure of structures) runs.push({ group: group.name, fold, structure, seed });
    }
  }
  return runs;
}

/** A file's name without its ending: STRUCTURE-SEED, or STRUCTURE-FOLD-SEED where there is more than one fold. */
export function nameRun(task: Task, { group, fold, structure, seed }: Run): string {
  const folds = task.groups.find(({ name }) => name === group)?.folds ?? [];
  return folds.length > 1 ? `${structure}-${fold}-${seed}` : `${structure}-${seed}`;
}

/** Mean, and the spread around it: the standard deviation of a sample, or NaN of one value. */
export interface Summary {
  mean: number;
  spread: number;
  count: number;
}

export function summarize(values: readonly number[]): Summary {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, spread: count > 1 ? Math.sqrt(square / (count - 1)) : Number.NaN, count };
}

/**
 * A metric over the runs of one structure in one group: folds are averaged within each seed, and the spread is that
 * over seeds. With one seed it is the spread over folds. Seeds that lack a fold are left out.
 */
export function summarizeRuns(
  results: readonly Result[],
  folds: number,
  value: (result: Result) => number,
): Summary {
  const seeds = [...new Set(results.map(({ seed }) => seed))];
  const whole = seeds
    .map((seed) => results.filter((result) => result.seed === seed))
    .filter((each) => each.length === folds);
  if (whole.length === 1) return summarize(whole[0]!.map(value));
  return summarize(whole.map((each) => summarize(each.map(value)).mean));
}
