import type { TrainKernelName, TrainKernels } from '#dist/wasm/train-registry.js';
import type { KernelRun } from '../kernel-runs.js';

const mib = 2 ** 20;
// Where things lie: each region has room for the largest shape below.
const at = { x: 1 * mib, y: 4 * mib, dy: 7 * mib, state: 10 * mib, z: 11 * mib, s: 17 * mib, w: 20 * mib };
/** Ids and targets of zero, of which a memory has enough. */
const zeros = 31 * mib;

function tile(name: TrainKernelName, rows: number): KernelRun<TrainKernels>[] {
  return [64, 256].map((depth) => ({
    shape: `${rows}×8, M ${depth}`,
    flops: 16 * rows * depth,
    call: (kernels) =>
      kernels[name](...(rows === 1 ? [at.y, at.x] : [at.y, 32, at.x]), rows * 4, at.w, depth),
  }));
}

function product(depth: number, rows: number, width: number): KernelRun<TrainKernels> {
  return {
    shape: `${rows}×${width}, M ${depth}`,
    flops: 2 * depth * rows * width,
    call: (kernels) =>
      kernels.gemm_tn_f32(at.z, width * 4, at.x, rows * 4, at.dy, width * 4, at.w, depth, rows, width),
  };
}

/** @param items values that are read or written */
function each(
  shape: string,
  items: number,
  call: (kernels: TrainKernels, table: number) => void,
): KernelRun<TrainKernels>[] {
  return [{ shape, items, call }];
}

function cell(
  call: (kernels: TrainKernels, table: number, units: number) => void,
): KernelRun<TrainKernels>[] {
  return [32, 1024].map((units) => ({
    shape: `${units} units`,
    items: units,
    call: (kernels, table) => call(kernels, table, units),
  }));
}

const rows = 64;
const width = 256;
const ld = width * 4;
const pass = `${rows} rows of ${width}`;

/** T steps of an LSTM of so many blocks and units, forward with a tape or backward. */
function recurrence(units: number, blocks: number, batch: number, isBack: boolean): KernelRun<TrainKernels> {
  const steps = 16;
  const hidden = units * blocks;
  const sizes = [steps, batch, hidden, units, 0, 0, blocks, 0, batch];
  const stride = hidden * 4;
  return {
    shape: `D ${units}, N ${blocks}, T ${steps}, B ${batch}`,
    flops: 8 * hidden * units * steps * batch,
    call: ({ recurrent_back_f32, recurrent_tape_f32 }, table) => {
      if (isBack) {
        const tape = [at.y, stride, at.s, stride, at.z, 0, at.state, at.state + mib / 2, at.w];
        recurrent_back_f32(0, at.dy, stride, ...tape, 0, table, 0, ...sizes);
      } else {
        recurrent_tape_f32(0, at.y, stride, at.s, stride, at.z, 0, at.w, 0, table, 0, ...sizes);
      }
    },
  };
}

const recurrences = (isBack: boolean) =>
  [
    [32, 8, 1],
    [64, 8, 16],
    [128, 2, 16],
  ].map(([units, blocks, batch]) => recurrence(units!, blocks!, batch!, isBack));

/** Every kernel of training alone; one that is missing does not compile. */
export const trainKernelRuns: Readonly<Record<TrainKernelName, KernelRun<TrainKernels>[]>> = {
  gemm_tn_f32_1x8: tile('gemm_tn_f32_1x8', 1),
  gemm_tn_f32_2x8: tile('gemm_tn_f32_2x8', 2),
  gemm_tn_f32_4x8: tile('gemm_tn_f32_4x8', 4),
  gemm_tn_f32_6x8: tile('gemm_tn_f32_6x8', 6),
  gemm_tn_f32: [product(256, 256, 64), product(512, 256, 256), product(700, 800, 200), product(257, 129, 65)],
  pack_panels_f32: each('256 rows of 64', 256 * 64, (k) => k.pack_panels_f32(at.w, at.x, 256, 256, 64)),
  pack_columns_f32: each('256 rows of 64', 256 * 64, (k) => k.pack_columns_f32(at.w, at.x, 256, 256, 64)),
  column_sums_f32: each(pass, rows * width, (k) => k.column_sums_f32(at.y, at.x, ld, rows, width)),
  sum_squares_f32: each('16384', 16384, (k) => k.sum_squares_f32(at.y, at.x, 16384)),
  zero_f32: each('16384', 16384, (k) => k.zero_f32(at.y, 16384)),
  add_f32: each('16384', 16384, (k) => k.add_f32(at.y, at.x, 16384)),
  add_rows_f32: each(pass, rows * width, (k) => k.add_rows_f32(at.y, ld, at.x, ld, rows, width)),
  clear_rows_f32: each(pass, rows * width, (k) => k.clear_rows_f32(at.y, ld, rows, width)),
  copy_f32: each(pass, rows * width, (k) => k.copy_f32(at.y, ld, at.x, ld, rows, width)),
  gather_f32: each(`${pass}, all of one column`, rows * width, (k) =>
    k.gather_f32(at.y, ld, at.x, ld, zeros, rows, width),
  ),
  scatter_f32: each(`${pass}, all to one column`, rows * width, (k) =>
    k.scatter_f32(at.y, ld, at.x, ld, zeros, rows, width),
  ),
  clear_places_f32: each(`${rows * width} places, all one`, rows * width, (k) =>
    k.clear_places_f32(at.y, zeros, rows * width),
  ),
  add_places_f32: each(`${rows * width} places, all one`, rows * width, (k) =>
    k.add_places_f32(at.y, at.x, zeros, rows * width),
  ),
  combine_f32: each(pass, rows * width, (k) => k.combine_f32(at.dy, ld, at.x, ld, at.y, ld, rows, width, 2)),
  scale_f32: each(pass, rows * width, (k) => k.scale_f32(at.y, ld, at.x, ld, at.w, at.w, rows, width)),
  norm_f32: each(pass, rows * width, (k) =>
    k.norm_f32(at.y, ld, at.x, ld, at.w, at.w, rows, 1, width, 1, 1e-5),
  ),
  norm_back_f32: each(pass, rows * width, (k) =>
    k.norm_back_f32(at.s, ld, at.y, ld, at.dy, ld, at.x, ld, at.w, rows, 1, width, 1, 1e-5),
  ),
  function_f32: each(`${pass}, silu`, rows * width, (k, table) =>
    k.function_f32(at.y, ld, at.x, ld, table, rows, width, 5, 0, 0),
  ),
  function_back_f32: each(`${pass}, silu`, rows * width, (k, table) =>
    k.function_back_f32(at.s, ld, at.dy, ld, at.x, ld, table, rows, width, 5, 0, 0),
  ),
  conv_tape_f32: each(`${pass}, 4 steps`, rows * width, (k) =>
    k.conv_tape_f32(at.y, ld, at.x, ld, at.w, at.w, 0, rows, 4, width, 4),
  ),
  conv_back_f32: each(`${pass}, 4 steps`, rows * width, (k) =>
    k.conv_back_f32(at.y, ld, at.dy, ld, at.w, 0, rows, rows, 4, width, 4),
  ),
  conv_grad_f32: each(`${pass}, 4 steps`, rows * width, (k) =>
    k.conv_grad_f32(at.w, 32, at.dy, ld, at.x, ld, rows, 4, 0, width, 4),
  ),
  cross_entropy_f32: [65, 8192].map((classes) => {
    const stride = Math.ceil(classes / 8) * 32;
    return {
      shape: `16 rows of ${classes}`,
      items: 16 * classes,
      call: (kernels, table) => {
        const found = [at.state, at.state + 1024];
        kernels.cross_entropy_f32(at.x, stride, zeros, ...found, table, 16, classes, 1 / 16);
      },
    };
  }),
  sgd_f32: each('16384, momentum', 16384, (k) =>
    k.sgd_f32(at.y, at.x, at.s, 16384, 1e-3, 0.9, 0, 0, 1, 0, 0),
  ),
  adam_f32: each('16384, decoupled', 16384, (k) =>
    k.adam_f32(at.y, at.x, at.s, at.dy, 16384, 1e-3, 0.9, 0.999, 1e-8, 0.01, 1, 0.1, 0.03, 1),
  ),
  diagonal_back_f32: cell((k, _table, units) => k.diagonal_back_f32(at.y, at.z, at.w, units / 4, 4)),
  diagonal_grad_f32: each('64 rows of 256 units, 4 gates', rows * width, (k) =>
    k.diagonal_grad_f32(at.w, at.z, 4 * ld, at.x, ld, rows, width / 4, 4, 4),
  ),
  embedding_grad_f32: each(pass, rows * width, (k) =>
    k.embedding_grad_f32(at.y, ld, zeros, at.dy, ld, rows, width),
  ),
  dropout_f32: each(pass, rows * width, (k) =>
    k.dropout_f32(at.y, ld, at.x, ld, rows, width, 0, 1, 2 ** 30, 4 / 3),
  ),
  tanh_back_f32: each(pass, rows * width, (k) => k.tanh_back_f32(at.dy, ld, at.x, ld, at.y, ld, rows, width)),
  sigmoid_back_f32: each(pass, rows * width, (k) =>
    k.sigmoid_back_f32(at.dy, ld, at.x, ld, at.y, ld, rows, width),
  ),
  relu_back_f32: each(pass, rows * width, (k) => k.relu_back_f32(at.dy, ld, at.x, ld, at.y, ld, rows, width)),
  pool_f32: each(`mean of 16 × 4 of ${width}`, rows * width, (k) =>
    k.pool_f32(at.y, ld, at.x, ld, 0, 16, 4, width, 1),
  ),
  pool_back_f32: each(`mean of 16 × 4 of ${width}`, rows * width, (k) =>
    k.pool_back_f32(at.dy, ld, at.x, ld, 0, 16, 4, width, 1),
  ),
  lstm_tape_cell_f32: cell((k, table, units) =>
    k.lstm_tape_cell_f32(at.y, at.s, at.state, at.z, table, units),
  ),
  lstm_back_cell_f32: cell((k, table, units) =>
    k.lstm_back_cell_f32(at.z, at.x, at.s, at.dy, at.state, at.y, table, units),
  ),
  gru_after_tape_cell_f32: cell((k, table, units) =>
    k.gru_after_tape_cell_f32(at.y, at.z, at.s, at.state, table, units),
  ),
  gru_after_back_cell_f32: cell((k, table, units) =>
    k.gru_after_back_cell_f32(at.z, at.s, at.x, at.dy, at.state, table, units),
  ),
  gru_before_tape_reset_f32: cell((k, table, units) =>
    k.gru_before_tape_reset_f32(at.s, at.z, at.state, table, units),
  ),
  gru_before_tape_cell_f32: cell((k, table, units) =>
    k.gru_before_tape_cell_f32(at.y, at.s, at.z, at.state, table, units),
  ),
  gru_before_back_cell_f32: cell((k, table, units) =>
    k.gru_before_back_cell_f32(at.z, at.s, at.x, at.y, at.dy, at.state, table, units),
  ),
  gru_before_back_reset_f32: cell((k, table, units) =>
    k.gru_before_back_reset_f32(at.z, at.x, at.s, at.state, table, units),
  ),
  elman_tanh_back_cell_f32: cell((k, table, units) =>
    k.elman_tanh_back_cell_f32(at.z, at.x, at.dy, at.y, table, units),
  ),
  elman_relu_back_cell_f32: cell((k, _table, units) =>
    k.elman_relu_back_cell_f32(at.z, at.x, at.dy, at.y, units),
  ),
  recurrent_tape_f32: recurrences(false),
  recurrent_back_f32: recurrences(true),
  normed_tape_f32: each('GRU of 256 units in 8 blocks, T 16, B 4', rows * width, (k, table) =>
    k.normed_tape_f32(26, at.y, ld, 0, 0, at.z, at.s, at.w, at.x, table, 0, 16, 4, width, 32, 0, 0, 4),
  ),
  normed_back_f32: each('GRU of 256 units in 8 blocks, T 16, B 4', rows * width, (k, table) => {
    const scratch = [at.state, 0, at.state + mib / 4, at.state + mib / 2];
    const tape = [at.dy, ld, at.y, ld, 0, 0, at.z, at.s, ...scratch, at.w, at.x, table, 0];
    k.normed_back_f32(26, ...tape, 16, 4, width, 32, 0, 0, 4);
  }),
  pointwise_tape_f32: each('QRNN of 256 units, T 16, B 4', rows * width, (k, table) =>
    k.pointwise_tape_f32(24, at.y, ld, at.s, ld, at.z, 0, 0, 0, table, 0, 16, 4, width, 32, 0, 8, 0, 4),
  ),
  pointwise_back_f32: each('QRNN of 256 units, T 16, B 4', rows * width, (k, table) => {
    const tape = [at.dy, ld, at.s, ld, at.z, 0, 0, 0, 0, 0, at.state, table, 0];
    k.pointwise_back_f32(24, ...tape, 16, 4, width, 32, 0, 8, 0, 4);
  }),
};
