// The one list of exports; src/wasm/registry.ts describes each, and a test holds the two together.
export {
  gemm_f32_1x32, gemm_f32_1x48, gemm_f32_1x8, gemm_f32_2x16, gemm_f32_2x8, gemm_f32_4x8, gemm_f32_4x8x2, gemm_f32_6x8,
} from './gemm/tile';
export { gemm_f32, gemv_f32 } from './gemm/gemm';
export { windows_f32 } from './gemm/windows';
export { pack_f32 } from './gemm/pack';
export { diagonal_f32 } from './gemm/diagonal';
export { lstm_cell_f32 } from './cell/lstm';
export { gru_after_cell_f32, gru_before_cell_f32, gru_before_reset_f32 } from './cell/gru';
export { elman_relu_cell_f32, elman_tanh_cell_f32 } from './cell/elman';
export { recurrent_f32, recurrent_step_f32 } from './layer/recurrent';
export { hold_f32, keep_state_f32 } from './layer/stream';
export { embedding_f32 } from './layer/embedding';
export { log_softmax_f32, relu_f32, sigmoid_f32, softmax_f32, tanh_f32 } from './math/activate';
