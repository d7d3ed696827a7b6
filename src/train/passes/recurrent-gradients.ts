import { shareOf } from '../../engine/share.js';
import { lanes, panelRows } from '../../pack/rows.js';
import type { Param } from '../plan/link.js';
import type { Order } from '../plan/order.js';
import { gradientDepth, gradientRows } from '../plan/plan.js';
import { byIdOf, type PartShape, type RecurrentTape, shapeOf, type Weight } from '../plan/program.js';
import { halvesOf } from './by-id.js';
import { rowsOf, type Seat } from './seat.js';

/** Floats of a part's dz that meet its weights at a time: with those they stay in a second-level cache. */
const stripFloats = 2 ** 15;
/** So few rows would fetch the weights for too little. */
const leastStrip = 96;

/** This worker's rows of the gradients of W_ih, W_hh and the biases. */
export function addGradients(op: RecurrentTape, seat: Seat, { steps, batch }: Order): void {
  const { parts, whole } = op;
  const rows = steps * batch;
  const all = shareOf((parts * whole.rows) / panelRows, seat.k, seat.n);
  const [begin, end] = [all.from * panelRows, all.to * panelRows];
  for (let part = Math.floor(begin / whole.rows); part * whole.rows < end; part++) {
    const shape = shapeOf(op, part);
    const from = Math.max(0, begin - part * whole.rows);
    const to = Math.min(shape.rows, end - part * whole.rows);
    for (const { first, rows: count } of shape.phases) {
      const last = Math.min(to, first + count);
      for (let row = Math.max(from, first); row < last; row += gradientRows)
        addRows(op, seat, part, shape, batch, rows, row, Math.min(gradientRows, last - row), first > 0);
    }
  }
  if (op.diagonal) addDiagonal(op, seat, rows);
}

/** Rows [row, row + count) of one part, all of one phase. */
function addRows(
  op: RecurrentTape,
  { kernels, program, k }: Seat,
  part: number,
  shape: PartShape,
  batch: number,
  rows: number,
  row: number,
  count: number,
  isLater: boolean,
): void {
  const { slopes, scratch } = program;
  const { packed } = scratch[k]!;
  const { whole, input, inputs, out, wih, whh, bih, bhh } = op;
  const ldz = shape.rows * 4;
  const tape = part * rows * whole.rows * 4 + row * 4;
  const dz = op.z + tape;
  const ds = op.separateBias ? op.s + tape : dz;
  const place = part * whole.rows + row;
  const x = rowsOf(input, batch);
  const ldIh = wih.param.ld;
  const outIh = slopes + wih.param.at + place * ldIh;
  const [outBih, outBhh] = [slopes + bih.at + place * 4, slopes + bhh.at + place * 4];
  const hidden = op.diagonal ? undefined : (whh as Weight).param;
  const [h, ldh] = stateOf(op, part, shape, rows, isLater, out.y);
  const byId = byIdOf(op, rows);
  const sums = byId && halvesOf(op, byId, part);
  if (sums !== undefined) {
    for (let id = 0; id < byId!.count; id++) kernels.zero_f32(sums.at + id * sums.ld + row * 4, count);
  }
  // All that reads a stretch of dz does so while it is near. The kernels go on from what they left, row after row.
  for (let m = 0; m < rows; m += gradientDepth) {
    const depth = Math.min(gradientDepth, rows - m);
    const [dzAt, dsAt] = [dz + m * ldz, ds + m * ldz];
    if (op.separateBias) kernels.column_sums_f32(outBhh, dsAt, ldz, depth, count);
    if (sums !== undefined) {
      kernels.embedding_grad_f32(sums.at + row * 4, sums.ld, byId!.ids + m * 4, dzAt, ldz, depth, count);
    } else {
      kernels.column_sums_f32(outBih, dzAt, ldz, depth, count);
      const xAt = x + m * input.ld;
      kernels.gemm_tn_f32(outIh, ldIh, dzAt, ldz, xAt, input.ld, packed, depth, count, inputs);
    }
    if (hidden === undefined) continue;
    const outHh = slopes + hidden.at + place * hidden.ld;
    const hAt = h + m * ldh;
    kernels.gemm_tn_f32(outHh, hidden.ld, dsAt, ldz, hAt, ldh, packed, depth, count, shape.units);
  }
  if (sums !== undefined) {
    const { table, count: ids } = byId!;
    const at = sums.at + row * 4;
    kernels.column_sums_f32(outBih, at, sums.ld, ids, count);
    const rowsOfIds = program.weights + table.at;
    kernels.gemm_tn_f32(outIh, ldIh, at, sums.ld, rowsOfIds, table.ld, packed, ids, count, inputs);
  }
  // Where one gradient is both halves' their biases have the same: gradients begin with zeros.
  if (!op.separateBias) kernels.add_f32(outBhh, outBih, count);
}

/** What the recurrent weights of a phase were multiplied by: the states before each step, or reset ones. */
function stateOf(
  op: RecurrentTape,
  part: number,
  { units }: PartShape,
  rows: number,
  isLater: boolean,
  y: number,
): [number, number] {
  const { whole, out, s } = op;
  if (!isLater) return [y + part * whole.units * 4, out.ld];
  const groups = (count: number) => Math.ceil(count / lanes) * lanes;
  return [s + part * rows * groups(whole.units) * 4, groups(units) * 4];
}

/** The gradients of a diagonal layer's recurrent weights, part by part. */
function addDiagonal(op: RecurrentTape, { kernels, program, k, n }: Seat, rows: number): void {
  const { parts, whole, out } = op;
  const owned = shareOf(parts, k, n);
  for (let part = owned.from; part < owned.to; part++) {
    const shape = shapeOf(op, part);
    const groups = Math.ceil(shape.units / lanes);
    const ldz = shape.rows * 4;
    const tape = (op.separateBias ? op.s : op.z) + part * rows * whole.rows * 4;
    const to = program.slopes + (op.whh as Param).at + part * whole.rows * 4;
    for (const { first, rows: count } of shape.phases) {
      const [h, ldh] = stateOf(op, part, shape, rows, first > 0, out.y);
      const gates = Math.floor(count / (groups * lanes));
      kernels.diagonal_grad_f32(to + first * 4, tape + first * 4, ldz, h, ldh, rows, groups, gates);
    }
  }
}

/**
 * This worker's rows of dx = Σ over parts of dz W_ih, some at a time: they stay near while all parts add to them, and so
 * does a part's dz while all panels pass by. By id there are sums of dz instead, and a row of dx for each id. Shares of columns would have every worker read all of dz.
 */
export function descend(
  op: RecurrentTape,
  { kernels, program, k, n }: Seat,
  { steps, batch }: Order,
  dx: number,
): void {
  const { inputs, parts, whole, wih, input } = op;
  const byId = byIdOf(op, steps * batch);
  const rows = byId?.count ?? steps * batch;
  const halves = byId?.halves ?? op.z;
  const panels = Math.ceil(inputs / panelRows);
  const { from, to } = shareOf(rows, k, n);
  const height = Math.max(leastStrip, Math.floor(stripFloats / whole.rows));
  for (let row = from; row < to; row += height) {
    const count = Math.min(height, to - row);
    const out = dx + row * input.ld;
    for (let part = 0; part < parts; part++) {
      const { rows: depth } = shapeOf(op, part);
      const weights = wih.backward + part * whole.rows * panels * panelRows * 4;
      const init = part === 0 ? program.zeros : out;
      const ldInit = part === 0 ? 0 : input.ld;
      const dz = halves + (part * rows * whole.rows + row * depth) * 4;
      kernels.gemm_f32(out, input.ld, init, ldInit, dz, depth * 4, weights, count, depth, panels);
    }
  }
}
