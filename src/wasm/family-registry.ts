import { type KernelName, registry } from './registry.js';

/**
 * What each kernel of the wider family takes, in order; as in registry.ts, and alpha and beta are floats. Its binaries
 * have the kernels of plain stacks, too.
 */
export const familyRegistry = {
  combine_f32: 'y ldy a lda b ldb rows width code',
  copy_f32: 'y ldy x ldx rows width',
  scale_f32: 'y ldy x ldx w b rows width',
  blocks_f32: 'out ldo bias x ldx w rows width depth p0 p1',
  norm_f32: 'y ldy x ldx w b rows groups size centred epsilon',
  function_f32: 'y ldy x ldx table rows width code alpha beta',
  strips_f32_8x4: 'out init ldg h w columns count',
  strips_f32_16x1: 'out init ldg h w columns count',
  strips_f32_4x4: 'out init ldg h w columns count',
  strips_f32: 'out ldo init ldi h ldh starts columns values batch count gates height',
  recurrent_strips_step_f32:
    'cell y ldy h ldh c ldc z s starts columns values diagonal height bhh table lengths time batch units u0 u1 phase',
  lstm_general_cell_f32: 'y c z p table units',
  gru_after_general_cell_f32: 'y h z s table units',
  gru_before_general_reset_f32: 'q h z table units',
  gru_before_general_cell_f32: 'y h z n table units',
  elman_general_cell_f32: 'y z table units',
  slstm_cell_f32: 'y c n m z table units',
  sru_cell_f32: 'y c z v x table units gates',
  qrnn_cell_f32: 'y c z table units',
  conv_f32: 'y ldy x ldx h ldh weight bias lengths t0 steps batch size width c0 c1',
  delay_f32: 'y ldy x ldx h ldh lengths t0 steps batch size kept c0 c1',
  keep_past_f32: 'h ldh x ldx lengths t0 steps batch size kept c0 c1',
  family_recurrent_f32: registry.recurrent_f32,
  family_step_f32: registry.recurrent_step_f32,
} as const;

export type FamilyKernelName = keyof typeof familyRegistry;

/** The exports of one instance, all taking numbers and returning nothing. */
export type FamilyKernels = Readonly<Record<KernelName | FamilyKernelName, (...args: number[]) => void>>;
