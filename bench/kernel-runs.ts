import type { KernelName, Kernels } from '#dist/wasm/registry.js';

/** One shape of one kernel. Either `flops` (a multiply-add counts two) or `items` says how much work a call is. */
export interface KernelRun<K = Kernels> {
  shape: string;
  flops?: number;
  items?: number;
  call: (kernels: K, table: number) => void;
}

const mib = 2 ** 20;
// Where things lie: each region has room for the largest shape below.
const at = {
  x: 1 * mib,
  init: 2 * mib,
  out: 4 * mib,
  state: 7 * mib,
  scratch: 8 * mib,
  w: 12 * mib,
  zeros: 31 * mib,
};

function tile(name: KernelName, rows: number): KernelRun[] {
  return [32, 128, 512].map((depth) => ({
    shape: `${rows}×8, K ${depth}`,
    flops: 16 * rows * depth,
    call: (kernels) => kernels[name](at.out, 32, at.init, 0, at.x, depth * 4, at.w, depth),
  }));
}

function row(name: KernelName, panels: number): KernelRun[] {
  return [32, 128, 512].map((depth) => ({
    shape: `1×${8 * panels}, K ${depth}`,
    flops: 16 * panels * depth,
    call: (kernels) => kernels[name](at.out, at.init, at.x, at.w, depth * 32, depth),
  }));
}

function cell(call: (kernels: Kernels, table: number, units: number) => void): KernelRun[] {
  return [32, 128, 1024].map((units) => ({
    shape: `${units} units`,
    items: units,
    call: (kernels, table) => call(kernels, table, units),
  }));
}

function array(name: KernelName): KernelRun[] {
  return [
    {
      shape: '64 rows of 256',
      items: 64 * 256,
      call: (kernels, table) => kernels[name](at.out, 1024, at.x, 1024, table, 64, 256),
    },
  ];
}

/** T steps of an LSTM layer of one block at a time, D units a block, as the engine calls it. */
function recurrent(units: number, blocks: number, steps: number, batch: number): KernelRun {
  const hidden = units * blocks;
  const inputs = 16;
  const weights = (kernels: Kernels, table: number) => {
    const ld = hidden * 4;
    const states = [at.out, ld, at.state, at.state + mib / 2, ld];
    const packed = [at.w + 8 * mib, at.init, at.w, 0, table];
    const sizes = [steps, batch, inputs, hidden, units, 0, steps, 0, blocks];
    kernels.recurrent_f32(0, ...states, at.x, inputs * 4, 0, at.scratch, ...packed, 0, 0, ...sizes);
  };
  const flops = 8 * hidden * (units + inputs) * steps * batch;
  return { shape: `D ${units}, N ${blocks}, T ${steps}, B ${batch}`, flops, call: weights };
}

/** Every exported kernel; one that is missing does not compile. */
export const kernelRuns: Readonly<Record<KernelName, KernelRun[]>> = {
  gemm_f32_1x48: row('gemm_f32_1x48', 6),
  gemm_f32_1x32: row('gemm_f32_1x32', 4),
  gemm_f32_1x8: [32, 128, 512].map((depth) => ({
    shape: `1×8, K ${depth}`,
    flops: 16 * depth,
    call: (kernels) => kernels.gemm_f32_1x8(at.out, at.init, at.x, at.w, depth),
  })),
  gemm_f32_2x16: [32, 128, 512].map((depth) => ({
    shape: `2×16, K ${depth}`,
    flops: 64 * depth,
    call: (kernels) =>
      kernels.gemm_f32_2x16(at.out, 64, at.init, 0, at.x, depth * 4, at.w, depth * 32, depth),
  })),
  gemm_f32_2x8: tile('gemm_f32_2x8', 2),
  gemm_f32_4x8: tile('gemm_f32_4x8', 4),
  gemm_f32_4x8x2: tile('gemm_f32_4x8x2', 4),
  gemm_f32_6x8: tile('gemm_f32_6x8', 6),
  gemm_f32: [
    [64, 256, 1024],
    [100, 256, 1024],
    [100, 512, 2048],
    [96, 1024, 4096],
    [97, 257, 1032],
    [101, 255, 1000],
    [65, 129, 520],
  ].map(([rows, depth, width]) => ({
    shape: `${rows}×${width}, K ${depth}`,
    flops: 2 * rows! * depth! * width!,
    call: (kernels) =>
      kernels.gemm_f32(at.out, width! * 4, at.init, 0, at.x, depth! * 4, at.w, rows!, depth!, width! / 8),
  })),
  // Zeros: one window. What several cost beside it is what as many calls of gemm_f32 do.
  windows_f32: [
    {
      shape: '100×1024, K 64',
      flops: 2 * 100 * 64 * 1024,
      call: (kernels) =>
        kernels.windows_f32(at.out, 4096, at.init, 0, at.x, 256, at.zeros, at.w, 100, 64, 128),
    },
  ],
  gemv_f32: [32, 64, 128, 256].map((units) => ({
    shape: `4·${units} × ${units}`,
    flops: 8 * units * units,
    call: (kernels) => kernels.gemv_f32(at.out, at.init, at.x, at.w, units, units / 2),
  })),
  pack_f32: [64, 1024].map((depth) => ({
    shape: `4 rows of ${depth}`,
    items: 4 * depth,
    call: (kernels) => kernels.pack_f32(at.out, at.x, depth * 4, 4, depth),
  })),
  diagonal_f32: [32, 1024].map((units) => ({
    shape: `${units} units, 4 gates`,
    items: units,
    call: (kernels) => kernels.diagonal_f32(at.out, at.init, at.x, at.w, units / 4, 4),
  })),
  lstm_cell_f32: cell((kernels, table, units) =>
    kernels.lstm_cell_f32(at.out, at.state, at.init, table, units),
  ),
  gru_after_cell_f32: cell((kernels, table, units) =>
    kernels.gru_after_cell_f32(at.out, at.state, at.init, at.x, table, units),
  ),
  gru_before_reset_f32: cell((kernels, table, units) =>
    kernels.gru_before_reset_f32(at.out, at.state, at.init, table, units),
  ),
  gru_before_cell_f32: cell((kernels, table, units) =>
    kernels.gru_before_cell_f32(at.out, at.state, at.init, at.x, table, units),
  ),
  elman_tanh_cell_f32: cell((kernels, table, units) =>
    kernels.elman_tanh_cell_f32(at.out, at.init, table, units),
  ),
  elman_relu_cell_f32: cell((kernels, _table, units) => kernels.elman_relu_cell_f32(at.out, at.init, units)),
  recurrent_f32: [
    recurrent(16, 8, 100, 1),
    recurrent(32, 8, 100, 1),
    recurrent(64, 8, 100, 1),
    recurrent(128, 8, 100, 1),
    recurrent(64, 8, 50, 16),
    recurrent(128, 8, 50, 16),
  ],
  recurrent_step_f32: [32, 64, 128].map((units) => ({
    shape: `D ${units}, B 1`,
    flops: 8 * units * units,
    call: (kernels, table) => {
      const states = [at.out, 0, at.x, 0, at.state, 0, at.init, 0, at.w, 0];
      kernels.recurrent_step_f32(0, ...states, table, 0, 0, 1, units, 0, 0, units, 0);
    },
  })),
  hold_f32: [
    {
      shape: '16 × 1024',
      items: 16 * 1024,
      call: (kernels) => kernels.hold_f32(at.out, 4096, at.state, 4096, 0, 0, 1, 16, 1024),
    },
  ],
  keep_state_f32: [
    {
      shape: '16 × 1024',
      items: 16 * 1024,
      call: (kernels) => kernels.keep_state_f32(at.state, 4096, at.out, 4096, 0, 0, 1, 16, 1024),
    },
  ],
  embedding_f32: [
    {
      shape: '64 rows of 256',
      items: 64 * 256,
      // Ids of zero, of which a memory has enough.
      call: (kernels) => kernels.embedding_f32(at.out, 1024, 31 * mib, at.w, 1024, 64, 256),
    },
  ],
  tanh_f32: array('tanh_f32'),
  sigmoid_f32: array('sigmoid_f32'),
  relu_f32: array('relu_f32'),
  softmax_f32: array('softmax_f32'),
  log_softmax_f32: array('log_softmax_f32'),
};
