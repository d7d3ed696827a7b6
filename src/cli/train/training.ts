import type { Json } from '../../formats/json.js';
import type { ModelSpec } from '../../model/spec.js';
import type { Schedule } from '../../train/schedules.js';
import type { Batch, FitOptions, FitResult, Score, TrainerOptions } from '../../train/types.js';

/** What the command needs of the training floor; tests give another. */
export interface Training {
  fit(options: FitOptions): Promise<FitResult>;
  createTrainer(
    spec: ModelSpec,
    options: TrainerOptions,
  ): Promise<{ evaluate(batch: Batch): Promise<Score>; dispose(): void }>;
  /** @throws TypeError, RangeError for what is no schedule */
  scheduleOf(json: Json): Schedule;
}
