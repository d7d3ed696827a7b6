import { shareOf } from '../../engine/share.js';
import { lanes, panelRows } from '../../pack/rows.js';
import type { TrainKernels } from '../../wasm/train-registry.js';
import type { Order } from '../plan/order.js';
import { gradientDepth, gradientRows } from '../plan/plan.js';
import { byIdOf, type PartShape, type RecurrentTape, shapeOf, sideUnits } from '../plan/recurrent-tape.js';
import { halvesOf } from './by-id.js';
import { addGradient } from './dense.js';
import { rowsOf, type Seat } from './seat.js';

/** Floats of a part's dz that meet its weights at a time: with those they stay in a second-level cache. */
const stripFloats = 2 ** 15;
/** So few rows would fetch the weights for too little. */
const leastStrip = 96;

/** This worker's rows of the gradients of W_ih, unless its inputs are in blocks, of W_hh and the biases. */
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
  addUnits(op, seat, batch, rows);
  addVectors(op, seat, batch);
  addProjection(op, seat, rows);
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
  const { whole, input, inputs, wih, whh, biases, bhh } = op;
  const ldz = shape.rows * 4;
  const tape = part * rows * whole.rows * 4 + row * 4;
  const dz = op.z + tape;
  const ds = op.side === 'row' ? op.s + tape : dz;
  const place = part * whole.rows + row;
  const x = rowsOf(input, batch);
  const ldIh = wih.param.ld;
  const outIh = slopes + wih.param.at + place * ldIh;
  const [outBias, ...outBiases] = biases.map(({ param }) => slopes + param.at + place * 4);
  const hidden = whh !== undefined && 'param' in whh ? whh.param : undefined;
  const [h, ldh] = stateOf(op, part, shape, rows, isLater);
  const byId = byIdOf(op, rows);
  const sums = byId && halvesOf(op, byId, part);
  if (sums !== undefined) {
    for (let id = 0; id < byId!.count; id++) kernels.zero_f32(sums.at + id * sums.ld + row * 4, count);
  }
  // All that reads a stretch of dz does so while it is near. The kernels go on from what they left, row after row.
  for (let m = 0; m < rows; m += gradientDepth) {
    const depth = Math.min(gradientDepth, rows - m);
    const [dzAt, dsAt] = [dz + m * ldz, ds + m * ldz];
    if (bhh !== undefined) kernels.column_sums_f32(slopes + bhh.at + place * 4, dsAt, ldz, depth, count);
    if (sums !== undefined) {
      kernels.embedding_grad_f32(sums.at + row * 4, sums.ld, byId!.ids + m * 4, dzAt, ldz, depth, count);
    } else {
      if (outBias !== undefined) kernels.column_sums_f32(outBias, dzAt, ldz, depth, count);
      const xAt = x + m * input.ld;
      if (op.blocked === undefined)
        kernels.gemm_tn_f32(outIh, ldIh, dzAt, ldz, xAt, input.ld, packed, depth, count, inputs);
    }
    if (hidden === undefined) continue;
    const outHh = slopes + hidden.at + place * hidden.ld;
    const hAt = h + m * ldh;
    kernels.gemm_tn_f32(outHh, hidden.ld, dsAt, ldz, hAt, ldh, packed, depth, count, hidden.columns);
  }
  if (sums !== undefined) {
    const { table, count: ids } = byId!;
    const at = sums.at + row * 4;
    if (outBias !== undefined) kernels.column_sums_f32(outBias, at, sums.ld, ids, count);
    const rowsOfIds = program.weights + table.at;
    kernels.gemm_tn_f32(outIh, ldIh, at, sums.ld, rowsOfIds, table.ld, packed, ids, count, inputs);
  }
  // Where one gradient is both halves' their biases have the same: gradients begin with zeros.
  for (const out of outBiases) kernels.add_f32(out, outBias!, count);
  clearOthers(op, kernels, slopes, place, row, count);
}

/** Rows of gates that a bias has not are none of its own: they stay zero. */
function clearOthers(
  { biases, gates: [all] }: RecurrentTape,
  { zero_f32 }: TrainKernels,
  slopes: number,
  place: number,
  row: number,
  count: number,
): void {
  for (const { param, gates } of biases) {
    if (gates.length === all) continue;
    for (let some = 0; some < count; some += lanes) {
      if (!gates.includes(((row + some) / lanes) % all!))
        zero_f32(slopes + param.at + (place + some) * 4, lanes);
    }
  }
}

/** What the recurrent weights of a phase were multiplied by: the states before each step, or reset ones. */
function stateOf(
  op: RecurrentTape,
  part: number,
  { units }: PartShape,
  rows: number,
  isLater: boolean,
): [number, number] {
  const { whole, out, s } = op;
  if (!isLater) return [out.y + part * whole.units * 4, out.ld];
  const groups = (count: number) => Math.ceil(count / lanes) * lanes;
  return [s + part * rows * groups(whole.units) * 4, groups(units) * 4];
}

/** The gradients of weights that meet a state unit by unit, part by part: those of a diagonal recurrence, and of c. */
function addUnits(op: RecurrentTape, { kernels, program, k, n }: Seat, batch: number, rows: number): void {
  const { parts, whole, whh, states, meets, gates, z, zone } = op;
  const { slopes } = program;
  const diagonal = whh !== undefined && 'at' in whh ? whh : undefined;
  if (diagonal === undefined && meets === undefined) return;
  const owned = shareOf(parts, k, n);
  for (let part = owned.from; part < owned.to; part++) {
    const shape = shapeOf(op, part);
    const groups = Math.ceil(shape.units / lanes);
    const ldz = shape.rows * 4;
    const tape = part * rows * whole.rows * 4;
    const place = part * whole.rows * 4;
    if (diagonal !== undefined) {
      const dz = (op.side === 'row' ? op.s : z) + tape;
      for (const [phase, { first }] of shape.phases.entries()) {
        const [h, ldh] = stateOf(op, part, shape, rows, first > 0);
        const [to, from] = [slopes + diagonal.at + place + first * 4, dz + first * 4];
        kernels.diagonal_grad_f32(to, from, ldz, h, ldh, rows, groups, gates[phase]!, gates[phase]!);
      }
    }
    if (meets === undefined) continue;
    const { at, ld } = states[1]!;
    // A cell state that was not kept is what gates saw all the same.
    const made = zone?.made || at + batch * ld;
    const [all] = gates as [number];
    for (const { first, count, isAfter } of meets.runs) {
      const c = (isAfter ? made : at) + part * whole.units * 4;
      const [to, from] = [slopes + meets.param.at + place + first * 16, z + tape + first * 16];
      kernels.diagonal_grad_f32(to, from, ldz, c, ld, rows, groups, all, count);
    }
  }
}

/** This worker's rows of the gradients of vectors of rows: over all streams, in their order, what each has summed. */
function addVectors({ meeting, parts, whole }: RecurrentTape, seat: Seat, batch: number): void {
  if (meeting === undefined) return;
  const { kernels, program, k, n } = seat;
  const width = parts * whole.rows;
  const octets = shareOf(width / panelRows, k, n);
  const from = octets.from * panelRows;
  const count = octets.to * panelRows - from;
  for (const [place, { param }] of meeting.columns.entries()) {
    const sums = meeting.sums + (place * batch * width + from) * 4;
    kernels.column_sums_f32(program.slopes + param.at + from * 4, sums, width * 4, batch, count);
  }
}

/** This worker's rows of the gradient of an output projection. */
function addProjection({ whr, s, hidden, side, outputs }: RecurrentTape, seat: Seat, rows: number): void {
  if (whr === undefined) return;
  const ld = sideUnits(hidden, side, outputs) * 4;
  const d = s + sideUnits(hidden, 'unit', outputs) * 4;
  addGradient(seat, whr.param, undefined, { y: d, ld, skip: 0 }, { y: s, ld, skip: 0 }, s, rows);
}

/**
 * This worker's rows of dx = Σ over parts of dz W_ih, some at a time: they stay near while all parts add to them, and so
 * does a part's dz while all panels pass by. They begin with what comes back past the matrices, or where one run of blocks adds to what another has made, with that. By id there are sums of dz instead, and a row of dx for each id. Shares of columns would have every worker read all of dz.
 */
export function descend(
  op: RecurrentTape,
  { kernels, program, k, n }: Seat,
  { steps, batch }: Order,
  dx: number,
  adds: boolean,
): void {
  const { inputs, parts, whole, wih, input, skip } = op;
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
      const begins = part === 0 && !adds;
      const init = !begins ? out : skip === 0 ? program.zeros : skip + row * op.out.ld;
      const ldInit = !begins ? input.ld : skip === 0 ? 0 : op.out.ld;
      const dz = halves + (part * rows * whole.rows + row * depth) * 4;
      kernels.gemm_f32(out, input.ld, init, ldInit, dz, depth * 4, weights, count, depth, panels);
    }
  }
}
