import { activationBackChecks } from './activations.js';
import { diagonalChecks } from './diagonal.js';
import { dropoutChecks } from './dropout.js';
import { embeddingChecks } from './embedding.js';
import { graphChecks } from './graphs.js';
import { lossChecks } from './loss.js';
import { optimizerChecks } from './optimizers.js';
import { packChecks } from './packs.js';
import { poolChecks } from './pools.js';
import { sumChecks } from './sums.js';
import { transposedChecks } from './transposed.js';

/** The oracles of the kernels beside the recurrence: products, sums, losses, optimisers, graphs. */
export const matrixChecks = {
  ...transposedChecks,
  ...packChecks,
  ...sumChecks,
  ...lossChecks,
  ...optimizerChecks,
  ...diagonalChecks,
  ...embeddingChecks,
  ...dropoutChecks,
  ...activationBackChecks,
  ...poolChecks,
  ...graphChecks,
};
