import type { FamilyKernelName, FamilyKernels } from '#dist/wasm/family-registry.js';
import type { Check } from '../check.js';
import { function_f32 } from './functions.js';
import { stripChecks } from './strips.js';

/** The oracle of every kernel of the family. A kernel without one does not compile here. */
export const familyChecks: Readonly<Record<FamilyKernelName, Check<FamilyKernels>>> = {
  function_f32,
  ...stripChecks,
};
