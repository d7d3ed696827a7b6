import type { ModelSpec } from '../model/spec.js';
import type { Tensors } from '../model/tensors.js';

/** B sequences side by side, with what is to be learnt of them. */
export interface Batch {
  /** ids [T, B], or values [T, B, I] */
  x: Int32Array | Uint32Array | Float32Array;
  /** T */
  steps: number;
  /** B */
  batch: number;
  /** 'steps': Int32Array [T, B], −1 = not counted; 'sequence': Int32Array [B]; 'ctc': B arrays of classes 1..O−1 (0 is the blank) */
  targets: Int32Array | readonly ArrayLike<number>[];
  /** [B] valid steps of each stream; default all T */
  lengths?: ArrayLike<number>;
  /** whether the state goes on from the batch before (truncated BPTT); default false: from zero */
  carry?: boolean;
}

export type Loss = { kind: 'steps' } | { kind: 'sequence'; pool: 'last' | 'mean' } | { kind: 'ctc' };

export type Optimizer =
  | { kind: 'sgd'; momentum?: number; nesterov?: boolean; weightDecay?: number }
  | { kind: 'adam' | 'adamw'; beta1?: number; beta2?: number; epsilon?: number; weightDecay?: number };

export interface TrainerOptions {
  loss: Loss;
  optimizer: Optimizer;
  /** global norm; default none */
  clip?: number;
  /** between layers and on the embedding's output and the last hidden output, 0..<1 */
  dropout?: number;
  /** the decoder's weight is the embedding's */
  tie?: boolean;
  seed?: number;
  /** most T and B of any batch: memory is planned before the run */
  capacity: { steps: number; batch: number };
  /** to start from; default initTensors(spec, seed) */
  tensors?: Tensors;
  threads?: number;
  kernels?: 'auto' | 'simd' | 'relaxed';
  signal?: AbortSignal;
}

export interface Progress {
  step: number;
  epoch: number;
  steps?: number;
  validations: number[];
}

export type Schedule = (progress: Progress) => number;

export interface StepReport {
  step: number;
  epoch: number;
  loss: number;
  tokensPerSecond: number;
  learningRate: number;
  norm: number;
  count: number;
}

export interface EpochReport {
  epoch: number;
  loss: number;
  validation?: { loss: number; count: number; hits: number };
  seconds: number;
  isBest: boolean;
}

export interface FitOptions extends Omit<TrainerOptions, 'capacity'> {
  spec: ModelSpec;
  /** default: the first batch's */
  capacity?: { steps: number; batch: number };
  /** batches of one epoch, the same for the same number (0, 1, …) */
  batches: (epoch: number) => Iterable<Batch> | AsyncIterable<Batch>;
  epochs: number;
  learningRate: number | Schedule;
  /** after every epoch; its mean loss */
  validate?: () => Iterable<Batch> | AsyncIterable<Batch>;
  onStep?(report: StepReport): void;
  onEpoch?(report: EpochReport): void;
  /** every: steps; default: each epoch */
  checkpoint?: { save(bytes: Uint8Array): Promise<void> | void; every?: number };
  resume?: Uint8Array;
  signal?: AbortSignal;
}

export interface FitResult {
  spec: ModelSpec;
  /** best by validation, else last */
  tensors: Tensors;
  steps: number;
  epochs: number;
  history: EpochReport[];
}
