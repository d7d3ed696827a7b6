import type { Json } from '../../formats/json.js';
import type { ModelSpec } from '../../model/spec.js';
import type { Batch, FitOptions, FitProgress, FitResult, Score, TrainerOptions } from '../../train/types.js';

/** What the command needs of the training floor; tests give another. */
export interface Training {
  fit(options: FitOptions): Promise<FitResult>;
  createTrainer(
    spec: ModelSpec,
    options: TrainerOptions,
  ): Promise<{ evaluate(batch: Batch): Promise<Score>; dispose(): void }>;
  /** @returns the learning rate of a step, where `steps` of all epochs are known */
  scheduleOf(json: Json): (progress: FitProgress & { steps: number }) => number;
}
