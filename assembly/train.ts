// What training takes beside the kernels that run; src/wasm/train-registry.ts describes each.
export * from './index';

// Matrix and pointwise
export { gemm_tn_f32_1x8, gemm_tn_f32_2x8, gemm_tn_f32_4x8, gemm_tn_f32_6x8 } from './grad/transposed-tile';
export { gemm_tn_f32 } from './grad/transposed';
export { pack_columns_f32, pack_panels_f32 } from './grad/pack';
export { add_f32, add_rows_f32, clear_rows_f32, column_sums_f32, sum_squares_f32, zero_f32 } from './grad/sums';
export { cross_entropy_f32 } from './grad/cross-entropy';
export { adam_f32, sgd_f32 } from './grad/optimizer';
export { diagonal_back_f32, diagonal_grad_f32 } from './grad/diagonal';
export { embedding_grad_f32 } from './grad/embedding';
export { dropout_f32 } from './grad/dropout';
export { relu_back_f32, sigmoid_back_f32, tanh_back_f32 } from './grad/activate';
export { pool_back_f32, pool_f32 } from './grad/pool';

// Graphs: what runs them, and the way back
export { combine_f32, copy_f32, gather_f32, scale_f32 } from './math/combine';
export { function_f32 } from './math/functions';
export { norm_f32 } from './math/norm';
export { function_back_f32 } from './grad/function';
export { norm_back_f32 } from './grad/norm';
export { add_places_f32, clear_places_f32, scatter_f32 } from './grad/scatter';
export { conv_back_f32, conv_grad_f32, conv_tape_f32 } from './grad/conv';

// Recurrence
export { elman_relu_back_cell_f32, elman_tanh_back_cell_f32 } from './grad/elman';
export { gru_after_back_cell_f32, gru_after_tape_cell_f32 } from './grad/gru-after';
export {
  gru_before_back_cell_f32, gru_before_back_reset_f32, gru_before_tape_cell_f32, gru_before_tape_reset_f32,
} from './grad/gru-before';
export { lstm_back_cell_f32, lstm_tape_cell_f32 } from './grad/lstm';
export { normed_back_f32, normed_tape_f32 } from './grad/recurrent-normed';
export { pointwise_back_f32, pointwise_tape_f32 } from './grad/pointwise';
export { recurrent_back_f32, recurrent_tape_f32 } from './grad/recurrent';
