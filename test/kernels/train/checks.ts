import type { TrainKernelName } from '#dist/wasm/train-registry.js';
import { matrixChecks } from './matrix.js';
import { normedChecks } from './normed.js';
import { pointwiseChecks } from './pointwise.js';
import { recurrenceChecks } from './recurrence.js';
import type { TrainCheck } from './rows.js';

/** The oracle of every kernel of training. A kernel without one does not compile here. */
export const trainChecks: Readonly<Record<TrainKernelName, TrainCheck>> = {
  ...matrixChecks,
  ...recurrenceChecks,
  ...normedChecks,
  ...pointwiseChecks,
};
