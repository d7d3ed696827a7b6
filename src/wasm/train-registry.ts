import type { KernelName } from './registry.js';

/** What each kernel of training takes, in order; as in registry.ts. Its binaries have the kernels that run, too. */
export const trainRegistry = {
  // recurrence
  diagonal_back_f32: 'dh dz w groups gates',
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
    'cell y ldy c ldc z s whh bhh table lengths steps batch hidden units diagonal n0 n1 b0 b1',
  recurrent_back_f32:
    'cell dy lddy y ldy c ldc z s dh dc whhT table lengths steps batch hidden units diagonal n0 n1 b0 b1',
} as const;

export type TrainKernelName = keyof typeof trainRegistry;

/** The exports of one instance, all taking numbers and returning nothing. */
export type TrainKernels = Readonly<Record<KernelName | TrainKernelName, (...args: number[]) => void>>;
