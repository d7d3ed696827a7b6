import { openBinaries } from './binaries.js';

/** The binaries that train models; nothing that only runs them imports this. */
export const loadTrainBinary = openBinaries((kernels) =>
  kernels === 'simd' ? import('./generated/train-simd.js') : import('./generated/train-relaxed.js'),
);
