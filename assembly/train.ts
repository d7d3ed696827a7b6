// What training takes beside the kernels that run; src/wasm/train-registry.ts describes each.
export * from './index';

// Recurrence
export { diagonal_back_f32 } from './grad/diagonal-back';
export { elman_relu_back_cell_f32, elman_tanh_back_cell_f32 } from './grad/elman';
export { gru_after_back_cell_f32, gru_after_tape_cell_f32 } from './grad/gru-after';
export {
  gru_before_back_cell_f32, gru_before_back_reset_f32, gru_before_tape_cell_f32, gru_before_tape_reset_f32,
} from './grad/gru-before';
export { lstm_back_cell_f32, lstm_tape_cell_f32 } from './grad/lstm';
export { recurrent_back_f32, recurrent_tape_f32 } from './grad/recurrent';
