import type { Model } from '#dist/session/model.js';
import type { InitOptions } from '#dist/train/init.js';
import type { Batch, Loss, Optimizer } from '#dist/train/types.js';
import type { Stack, Structure } from './sizes.js';

/** How a task trains: the same for every structure. */
export interface Settings {
  loss: Loss;
  optimizer: Optimizer;
  epochs: number;
  /** highest learning rate; see schedule.ts */
  learningRate: number;
  /** B of a batch of training */
  batch: number;
  /** T of a batch where sequences are cut (truncated BPTT) */
  steps?: number;
  clip?: number;
  dropout?: number;
  tie?: boolean;
  /** where the first weights differ from PyTorch's */
  init?: InitOptions;
}

/** One way of holding data back, with what is trained and tested on it. */
export interface Split {
  /** batches of an epoch, the same for the same number */
  batches(epoch: number): Iterable<Batch>;
  /** steps (batches) of an epoch, for the progress bar: near enough */
  stepsPerEpoch: number;
  /** most T and B of any batch, validation's too */
  capacity: { steps: number; batch: number };
  validate?(): Iterable<Batch>;
  /** metrics of the test part, by name; of a model that gives ln of probabilities (openTested) */
  test(model: Model): Promise<Record<string, number>>;
}

/** Results that belong together in the page: a row of its table is their mean. */
export interface Group {
  name: string;
  /** how a split is made, in words */
  text: string;
  /** a run for each, and for each seed */
  folds: readonly string[];
  /** seeds 1..n */
  seeds: number;
}

/** A task with its data in memory. */
export interface OpenTask {
  stack: Stack;
  split(fold: string, seed: number): Split;
  /** x of one step, one stream */
  sample: Int32Array | Float32Array;
  /** id → byte, of a byte-level model */
  vocab?: number[];
  /** what the data were found to be */
  facts: Record<string, number>;
}

export interface Metric {
  key: string;
  /** as a table's heading */
  label: string;
  digits: number;
  /** of a fraction that is shown as per cent */
  isShare?: boolean;
}

export interface Task {
  name: string;
  title: string;
  /** folder under ../shared/data */
  folder: string;
  /** where the data can be had */
  source: string;
  /** H of the dense network */
  hidden: number;
  structures: readonly Structure[];
  groups: readonly Group[];
  settings: Settings;
  /** the first is the one that is plotted */
  metrics: readonly Metric[];
  /** whether less of the first metric is better */
  isLess: boolean;
  /** what others have published, for the page */
  references: readonly string[];
  /** of them, lines in the plot of the curve, in its unit */
  levels?: readonly { value: number; label: string }[];
  /** @throws MissingData */
  open(folder: URL): Promise<OpenTask>;
}

/** There is nothing to measure on. */
export class MissingData extends Error {
  override readonly name = 'MissingData';
}
