/** The front door of training for Node: its threads are Piscina's. */
import { availableParallelism } from 'node:os';
import type { ModelSpec } from './model/spec.js';
import { hireFor } from './schedule/piscina.js';
import { fitModel } from './train/fit.js';
import { openTrainer, type TrainPlatform } from './train/open.js';
import type { Trainer } from './train/trainer.js';
import type { FitOptions, FitResult, TrainerOptions } from './train/types.js';

export * from './train/public.js';

const platform: TrainPlatform = {
  hire: /* @__PURE__ */ hireFor(new URL('./train/train-post.js', import.meta.url)),
  cores: availableParallelism,
};

/**
 * Plans and makes what training a model takes: memory for its weights, gradients, moments and the tape of one batch.
 * @param spec layers as plain data, ending in a linear layer (and a softmax, if one likes)
 * @param options loss, optimiser and the most T and B of a batch; the rest has defaults
 * @throws TypeError, RangeError for wrong arguments; UnsupportedError for a layer that cannot be trained where it stands;
 *   MismatchError when spec and tensors disagree; AbortError
 */
export function createTrainer(spec: ModelSpec, options: TrainerOptions): Promise<Trainer> {
  return openTrainer(platform, spec, options);
}

/**
 * Trains a model over epochs: makes a trainer, gives it every batch, validates, keeps the best.
 * @param options spec, loss, optimizer, learningRate, epochs and batches; the rest has defaults
 * @returns the weights of the best epoch by validation; without validation the last ones
 * @throws what createTrainer and Trainer.step throw; AbortError, when the signal fires, after a checkpoint has been kept
 */
export function fit(options: FitOptions): Promise<FitResult> {
  return fitModel(createTrainer, options);
}
