// What graphs and the wider family of cells take beside the kernels that run plain stacks; src/wasm/family-registry.ts
// describes each.
export * from './index';

export { blocks_f32 } from './gemm/blocks';
export { combine_f32, copy_f32, scale_f32 } from './math/combine';
export { norm_f32 } from './math/norm';
export { function_f32 } from './math/functions';
export { recurrent_strips_step_f32 } from './strips/step';
export { strips_f32 } from './strips/strips';
export { strips_f32_16x1, strips_f32_4x4, strips_f32_8x4 } from './strips/tile';

// Cells that can all that ONNX's can
export { elman_general_cell_f32 } from './cell/elman-general';
export {
  gru_after_general_cell_f32, gru_before_general_cell_f32, gru_before_general_reset_f32,
} from './cell/gru-general';
export { lstm_general_cell_f32 } from './cell/lstm-general';
export { family_recurrent_f32, family_step_f32 } from './layer/family-recurrent';

// More cells
export { qrnn_cell_f32 } from './cell/qrnn';
export { slstm_cell_f32 } from './cell/slstm';
export { sru_cell_f32 } from './cell/sru';
export { conv_f32, delay_f32, keep_past_f32 } from './layer/past';
