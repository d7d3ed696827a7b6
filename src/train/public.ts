/** What both front doors of training have beside createTrainer and fit. */
export {
  AbortError,
  DivergedError,
  type ErrorCode,
  FormatError,
  MismatchError,
  UnsupportedError,
  WorkerError,
} from '../base/errors.js';
export { decodeBeam, decodeGreedy, editDistance, type Labelling } from './ctc/decode.js';
export { type InitOptions, initTensors } from './init.js';
export {
  constant,
  cosine,
  linearWarmup,
  type Progress,
  plateau,
  type Schedule,
  type ScheduleSpec,
  scheduleOf,
  stepDecay,
} from './schedules.js';
export type { Trainer } from './trainer.js';
export type {
  Batch,
  Batches,
  CarriedState,
  EpochReport,
  FitOptions,
  FitResult,
  Loss,
  Optimizer,
  Score,
  StepReport,
  StepResult,
  TrainerOptions,
  TrainerState,
} from './types.js';
