import type { FamilyKernelName, FamilyKernels } from '#dist/wasm/family-registry.js';
import type { Check } from '../check.js';
import { blocks_f32 } from './blocks.js';
import { combine_f32, copy_f32, norm_f32, scale_f32 } from './combine.js';
import { function_f32 } from './functions.js';
import { generalChecks } from './general.js';
import { familyLayerChecks } from './layers.js';
import { pastChecks } from './past.js';
import { pointwiseChecks } from './pointwise.js';
import { slstm_cell_f32 } from './slstm.js';
import { stripChecks } from './strips.js';

/** The oracle of every kernel of the family. A kernel without one does not compile here. */
export const familyChecks: Readonly<Record<FamilyKernelName, Check<FamilyKernels>>> = {
  combine_f32,
  copy_f32,
  scale_f32,
  norm_f32,
  blocks_f32,
  function_f32,
  ...stripChecks,
  ...generalChecks,
  slstm_cell_f32,
  ...pointwiseChecks,
  ...pastChecks,
  ...familyLayerChecks,
};
