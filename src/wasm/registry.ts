/**
 * What each kernel takes, in order. `at` are byte addresses, `ld` row strides in bytes, the rest counts.
 * The contracts stand beside the code in assembly/. A test holds this list, the binaries' exports and the
 * oracles together: a kernel that is missing in one of the three fails it.
 */
export const registry = {
  gemm_f32_1x48: 'out init x w panelBytes depth',
  gemm_f32_1x32: 'out init x w panelBytes depth',
  gemm_f32_1x8: 'out init x w depth',
  gemm_f32_2x16: 'out ldo init ldi x ldx w panelBytes depth',
  gemm_f32_2x8: 'out ldo init ldi x ldx w depth',
  gemm_f32_4x8: 'out ldo init ldi x ldx w depth',
  gemm_f32_4x8x2: 'out ldo init ldi x ldx w depth',
  gemm_f32_6x8: 'out ldo init ldi x ldx w depth',
  gemm_f32: 'out ldo init ldi x ldx w rows depth panels',
  gemv_f32: 'out init x w depth panels',
  windows_f32: 'out ldo init ldi x ldx windows w rows depth panels',
  pack_f32: 'out x ldx rows depth',
  diagonal_f32: 'out init h w groups gates',
  lstm_cell_f32: 'y c z table units',
  gru_after_cell_f32: 'y h z s table units',
  gru_before_reset_f32: 'q h z table units',
  gru_before_cell_f32: 'y h z n table units',
  elman_tanh_cell_f32: 'y z table units',
  elman_relu_cell_f32: 'y z units',
  recurrent_f32:
    'cell y ldy h c lds x ldx windows z wih bih whh bhh table lengths t0 steps batch inputs hidden units diagonal tile n0 n1',
  recurrent_step_f32:
    'cell y ldy h ldh c ldc z s whh bhh table lengths time batch units diagonal u0 u1 phase',
  hold_f32: 'y ldy h ldh lengths t0 steps batch width',
  keep_state_f32: 'h ldh y ldy lengths t0 steps batch width',
  embedding_f32: 'y ldy ids table ldt rows width',
  tanh_f32: 'y ldy x ldx table rows width',
  sigmoid_f32: 'y ldy x ldx table rows width',
  relu_f32: 'y ldy x ldx table rows width',
  softmax_f32: 'y ldy x ldx table rows width',
  log_softmax_f32: 'y ldy x ldx table rows width',
} as const;

export type KernelName = keyof typeof registry;

/** The exports of one instance, all taking numbers and returning nothing. */
export type Kernels = Readonly<Record<KernelName, (...args: number[]) => void>>;
