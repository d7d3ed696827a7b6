// What training takes beside the kernels that run; src/wasm/train-registry.ts describes each.
export * from './index';
export { diagonal_back_f32 } from './grad/diagonal-back';
export { lstm_back_cell_f32, lstm_tape_cell_f32 } from './grad/lstm';
export { recurrent_back_f32, recurrent_tape_f32 } from './grad/recurrent';
