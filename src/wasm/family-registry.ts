import type { KernelName } from './registry.js';

/**
 * What each kernel of the wider family takes, in order; as in registry.ts, and alpha and beta are floats. Its binaries
 * have the kernels of plain stacks, too.
 */
export const familyRegistry = {
  combine_f32: 'y ldy a lda b ldb rows width code',
  copy_f32: 'y ldy x ldx rows width',
  scale_f32: 'y ldy x ldx w b rows width',
  norm_f32: 'y ldy x ldx w b rows groups size centred epsilon',
  function_f32: 'y ldy x ldx table rows width code alpha beta',
  strips_f32_8x4: 'out init ldg h w columns count',
  strips_f32_16x1: 'out init ldg h w columns count',
  strips_f32_4x4: 'out init ldg h w columns count',
  strips_f32: 'out ldo init ldi h ldh starts columns values batch count gates height',
  recurrent_strips_step_f32:
    'cell y ldy h ldh c ldc z s starts columns values diagonal height bhh table lengths time batch units u0 u1 phase',
} as const;

export type FamilyKernelName = keyof typeof familyRegistry;

/** The exports of one instance, all taking numbers and returning nothing. */
export type FamilyKernels = Readonly<Record<KernelName | FamilyKernelName, (...args: number[]) => void>>;
