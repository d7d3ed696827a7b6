import { familyRegistry } from './family-registry.js';
import type { KernelName } from './registry.js';

/** What each kernel of training takes, in order; as in registry.ts. Its binaries have the kernels that run, too. */
export const trainRegistry = {
  // matrix and pointwise
  gemm_tn_f32_1x8: 'out t ldt x depth',
  gemm_tn_f32_2x8: 'out ldo t ldt x depth',
  gemm_tn_f32_4x8: 'out ldo t ldt x depth',
  gemm_tn_f32_6x8: 'out ldo t ldt x depth',
  gemm_tn_f32: 'out ldo a lda x ldx scratch depth rows width',
  pack_panels_f32: 'out x ldx rows depth',
  pack_columns_f32: 'out x ldx rows width',
  column_sums_f32: 'out x ldx rows width',
  sum_squares_f32: 'out x count',
  zero_f32: 'x count',
  add_f32: 'out x count',
  add_rows_f32: 'y ldy x ldx rows width',
  clear_rows_f32: 'x ldx rows width',
  cross_entropy_f32: 'x ldx targets losses hits table rows width scale',
  sgd_f32: 'w g v count rate momentum dampening decay scale nesterov first',
  adam_f32: 'w g m v count rate beta1 beta2 epsilon decay scale correction1 correction2 decoupled',
  diagonal_back_f32: 'dh dz w groups gates',
  diagonal_grad_f32: 'dw dz ldz h ldh rows groups gates some',
  embedding_grad_f32: 'dtable ldt ids dy ldy rows width',
  dropout_f32: 'y ldy x ldx rows width row0 seed threshold scale',
  tanh_back_f32: 'dx lddx dy lddy y ldy rows width',
  sigmoid_back_f32: 'dx lddx dy lddy y ldy rows width',
  relu_back_f32: 'dx lddx dy lddy y ldy rows width',
  pool_f32: 'out ldo y ldy lengths steps batch width mean',
  pool_back_f32: 'dy lddy dout ldd lengths steps batch width mean',
  // graphs
  combine_f32: familyRegistry.combine_f32,
  copy_f32: familyRegistry.copy_f32,
  gather_f32: familyRegistry.gather_f32,
  scale_f32: familyRegistry.scale_f32,
  norm_f32: familyRegistry.norm_f32,
  function_f32: familyRegistry.function_f32,
  function_back_f32: 'dx lddx dy lddy x ldx table rows width code alpha beta',
  scatter_f32: 'y ldy x ldx order rows width',
  clear_places_f32: 'y order count',
  add_places_f32: 'y x order count',
  norm_back_f32: 'dx lddx p ldp dy lddy x ldx w rows groups size centred epsilon',
  conv_tape_f32: 'y ldy xs ldx w bias first last batch size width',
  conv_back_f32: 'dx lddx dy lddy w first last rows batch size width',
  conv_grad_f32: 'dw lddw dy lddy xs ldx rows batch c0 c1 width',
  // recurrence
  lstm_tape_cell_f32: 'y c before z table units',
  lstm_back_cell_f32: 'z dh dc dy c before table units',
  gru_after_tape_cell_f32: 'y z s h table units',
  gru_after_back_cell_f32: 'z s dh dy h table units',
  gru_before_tape_reset_f32: 'q z h table units',
  gru_before_tape_cell_f32: 'y n z h table units',
  gru_before_back_cell_f32: 'z n dh dq dy h table units',
  gru_before_back_reset_f32: 'z dh dq h table units',
  elman_tanh_back_cell_f32: 'z dh dy y table units',
  elman_relu_back_cell_f32: 'z dh dy y units',
  recurrent_tape_f32:
    'cell y ldy c ldc z s whh bhh table lengths steps batch hidden units diagonal n0 n1 b0 b1 zone',
  recurrent_back_f32:
    'cell dy lddy y ldy c ldc z s dh dc whhT bhh table lengths steps batch hidden units diagonal n0 n1 b0 b1 zone',
  normed_tape_f32: 'cell y ldy c ldc z s whh p table lengths steps batch hidden units diagonal b0 b1',
  normed_back_f32:
    'cell dy lddy y ldy c ldc z s dh dc row sums whhT p table lengths steps batch hidden units diagonal b0 b1',
  pointwise_tape_f32: 'cell y ldy c ldc z v x ldx table lengths steps batch hidden units n0 n1 b0 b1',
  pointwise_back_f32:
    'cell dy lddy c ldc z v x ldx dx lddx dc table lengths steps batch hidden units n0 n1 b0 b1',
} as const;

export type TrainKernelName = keyof typeof trainRegistry;

/** The exports of one instance, all taking numbers and returning nothing. */
export type TrainKernels = Readonly<Record<KernelName | TrainKernelName, (...args: number[]) => void>>;
