import type { KernelName } from '#dist/wasm/registry.js';
import { activationChecks } from './activations.js';
import { cellChecks } from './cells.js';
import type { Check } from './check.js';
import { layerChecks } from './layers.js';
import { productChecks } from './products.js';

/** The oracle of every kernel. A kernel without one does not compile here. */
export const checks: Readonly<Record<KernelName, Check>> = {
  ...productChecks,
  ...cellChecks,
  ...layerChecks,
  ...activationChecks,
};
