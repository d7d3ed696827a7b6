import type { Score } from '../../train/types.js';

/** The measure that is usual for a task. */
export interface Metric {
  name: string;
  /** where there is little room */
  short: string;
  /** of a mean loss in nats and, where they are known, the hits among so many predictions */
  of(score: Score): number;
  format(value: number): string;
  /** whether the mean loss alone tells it */
  isLoss: boolean;
}

export const bitsPerByte: Metric = {
  name: 'bits per byte',
  short: 'bpb',
  of: ({ loss }) => loss / Math.LN2,
  format: (value) => value.toFixed(4),
  isLoss: true,
};

export const perplexity: Metric = {
  name: 'perplexity',
  short: 'ppl',
  of: ({ loss }) => Math.exp(loss),
  format: (value) => value.toFixed(2),
  isLoss: true,
};

export const accuracy: Metric = {
  name: 'accuracy',
  short: 'acc',
  of: ({ hits, count }) => hits / count,
  format: (value) => `${(100 * value).toFixed(2)} %`,
  isLoss: false,
};
