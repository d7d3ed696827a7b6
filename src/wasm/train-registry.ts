import type { KernelName } from './registry.js';

/** What each kernel of training takes, in order; as in registry.ts. Its binaries have the kernels that run, too. */
export const trainRegistry = {
  diagonal_back_f32: 'dh dz w groups gates',
  lstm_tape_cell_f32: 'y c before z table units',
  lstm_back_cell_f32: 'z dh dc dy c before table units',
  recurrent_tape_f32:
    'cell y ldy c ldc z s whh bhh table lengths steps batch hidden units diagonal n0 n1 b0 b1',
  recurrent_back_f32:
    'cell dy lddy y ldy c ldc z s dh dc whhT table lengths steps batch hidden units diagonal n0 n1 b0 b1',
} as const;

export type TrainKernelName = keyof typeof trainRegistry;

/** The exports of one instance, all taking numbers and returning nothing. */
export type TrainKernels = Readonly<Record<KernelName | TrainKernelName, (...args: number[]) => void>>;
