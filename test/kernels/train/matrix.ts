import { lossChecks } from './loss.js';
import { optimizerChecks } from './optimizers.js';
import { packChecks } from './packs.js';
import { sumChecks } from './sums.js';
import { transposedChecks } from './transposed.js';

/** The oracles of the kernels that know nothing of time: products, sums, losses, optimisers. */
export const matrixChecks = {
  ...transposedChecks,
  ...packChecks,
  ...sumChecks,
  ...lossChecks,
  ...optimizerChecks,
};
