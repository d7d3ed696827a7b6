import type { ModelSpec } from '../model/spec.js';
import type { Tensors } from '../model/tensors.js';
import type { CrewWorker } from '../schedule/web-workers.js';
import type { KernelSet } from '../wasm/features.js';
import type { InitOptions } from './init.js';
import type { Schedule } from './schedules.js';

/** One step's data: B streams of T steps. */
export interface Batch {
  /** ids [T, B], or values [T, B, I] */
  x: Int32Array | Uint32Array | Float32Array;
  /** T */
  steps: number;
  /** B */
  batch: number;
  /**
   * What is right. Loss 'steps': classes [T, B], −1 where nothing counts; 'sequence': classes [B], −1 likewise; 'ctc': for
   * each of B streams its classes, within 1..O−1 (0 is the blank).
   */
  targets: Int32Array | readonly ArrayLike<number>[];
  /** [B], steps of each stream that count, within 0..T; default: all */
  lengths?: ArrayLike<number> | undefined;
  /** whether the state goes on from the batch before (truncated back-propagation through time); default: from zero */
  carry?: boolean | undefined;
}

/**
 * What is made small. 'steps': cross-entropy at each step, mean over those that count. 'sequence': cross-entropy of one
 * decision from the last valid output of the last layer before the final linear one, or from the mean of the valid ones;
 * mean over streams. 'ctc': connectionist temporal classification (Graves et al. 2006), mean over streams.
 */
export type Loss = { kind: 'steps' } | { kind: 'sequence'; pool: 'last' | 'mean' } | { kind: 'ctc' };

/** The update rule: torch.optim.SGD, Adam or AdamW, with their meaning of every field and their defaults. */
export type Optimizer =
  | { kind: 'sgd'; momentum?: number; dampening?: number; nesterov?: boolean; weightDecay?: number }
  | { kind: 'adam' | 'adamw'; beta1?: number; beta2?: number; epsilon?: number; weightDecay?: number };

/** What a trainer needs beside the spec. */
export interface TrainerOptions {
  /** what is made small */
  loss: Loss;
  /** how the weights are changed */
  optimizer: Optimizer;
  /** most global norm of the gradient (torch.nn.utils.clip_grad_norm_); default: no limit */
  clip?: number | undefined;
  /** share of outputs of embeddings and recurrent layers that a step leaves out, 0 (default) to below 1 */
  dropout?: number | undefined;
  /** whether the last linear layer's weight is the embedding's, transposed in use; default false */
  tie?: boolean | undefined;
  /** of the first weights and of dropout; default 0 */
  seed?: number | undefined;
  /** most T and most B of any batch: memory is planned before the run */
  capacity: { steps: number; batch: number };
  /** weights to start from; default: initTensors(spec, seed, init) */
  tensors?: Tensors | undefined;
  /** how the first weights are drawn, where there are no `tensors` */
  init?: InitOptions | undefined;
  /** worker threads, 1..64; default 1: the calling thread alone */
  threads?: number | 'auto' | undefined;
  /** 'simd' gives the same bytes everywhere; 'relaxed' is faster; 'auto' (default) is 'relaxed' where the engine has it */
  kernels?: 'auto' | KernelSet | undefined;
  /** gives a new module worker that runs blockrnn/train/worker, where a bundler or a policy asks for another way to make one */
  createWorker?: (() => CrewWorker) | undefined;
  /** ends training with an AbortError, between two steps */
  signal?: AbortSignal | undefined;
}

/** What a batch gave. */
export interface Score {
  /** mean nats of what counts: steps, or streams */
  loss: number;
  /** how many counted */
  count: number;
  /** how many of them have their right class on top; 0 for CTC */
  hits: number;
}

/** What a step gave: the score of its batch, before the update. */
export interface StepResult extends Score {
  /** global norm of the gradient before clipping */
  norm: number;
}

/** All that the next step depends on: plain data. */
export interface TrainerState {
  /** steps done */
  steps: number;
  /** weights, and the optimiser's moments as `first.…` and `second.…`, in their natural layout */
  tensors: Tensors;
  /** the state that the next batch can carry on from: streams, and of each layer that has states those */
  carried: { batch: number; layers: CarriedState[] };
}

/** The states of a layer by their names; [B, H] each of a recurrent one: h alone, or those that its cell has. */
export interface CarriedState {
  /** the last output; [B, P] where it is projected; of a layer that looks back its last inputs, [B, steps·size], the oldest first */
  h: Float32Array;
  /** of an LSTM, an sLSTM, an SRU and a QRNN */
  c?: Float32Array;
  /** of an sLSTM */
  n?: Float32Array;
  /** of an sLSTM */
  m?: Float32Array;
}

/** What `onStep` is told. */
export interface StepReport extends StepResult {
  /** steps done, this one included, all epochs together */
  step: number;
  /** the epoch under way, from 0 */
  epoch: number;
  /** the rate of this step */
  learningRate: number;
  /** counted targets a second since the report before; for CTC steps a second */
  tokensPerSecond: number;
}

/** What `onEpoch` is told. */
export interface EpochReport {
  /** its number, from 0 */
  epoch: number;
  /** mean over the epoch's steps, weighted by what counted */
  loss: number;
  /** over all batches of `validate`, weighted by what counted; left out without it */
  validation?: Score | undefined;
  /** that its training took, without the validation */
  seconds: number;
  /** whether its validation loss is the least so far; true without validation */
  isBest: boolean;
}

/** The batches of one epoch, one after the other. */
export type Batches = Iterable<Batch> | AsyncIterable<Batch>;

/** What `fit` needs: a trainer's options, the model, the data and for how long. */
export interface FitOptions extends Omit<TrainerOptions, 'capacity'> {
  /** layers as plain data, ending in a linear layer */
  spec: ModelSpec;
  /** most T and most B of any batch, of validation too; default: the first batch's T and B */
  capacity?: TrainerOptions['capacity'] | undefined;
  /** the batches of one epoch; the same number must give the same ones. An array tells how many there are. */
  batches: (epoch: number) => Batches;
  /** batches in an epoch, for schedules that must know; default: the array's length */
  epochSteps?: number | undefined;
  /** how many, at least 1 */
  epochs: number;
  /** at least 0; or a function of the progress */
  learningRate: number | Schedule;
  /** batches to validate on after every epoch */
  validate?: (() => Batches) | undefined;
  /** called after every step */
  onStep?: ((report: StepReport) => void) | undefined;
  /** called after every epoch and its validation; waited for */
  onEpoch?: ((report: EpochReport) => void | Promise<void>) | undefined;
  /**
   * Where checkpoints go. `save` gets the bytes of a safetensors file, which `resume` takes; written beside the old one and
   * renamed, there is always a whole one. `every`: steps between checkpoints; default: one after every epoch.
   */
  checkpoint?:
    | {
        /** keeps the bytes: write them beside the old ones and rename */
        save(bytes: Uint8Array): void | Promise<void>;
        /** steps between checkpoints; default: one after every epoch */
        every?: number | undefined;
      }
    | undefined;
  /** a checkpoint's bytes: training goes on where it was made, to the same bytes as if it had never stopped */
  resume?: Uint8Array | undefined;
}

/** What `fit` gives; `createModel(spec, tensors)` runs it. */
export interface FitResult {
  /** what was trained, with every default written out */
  spec: ModelSpec;
  /** the weights of the best epoch by validation; without validation the last ones */
  tensors: Tensors;
  /** steps done */
  steps: number;
  /** one report an epoch, in order */
  epochs: EpochReport[];
}
