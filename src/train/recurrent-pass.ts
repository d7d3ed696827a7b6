import { type Range, shareOf } from '../engine/share.js';
import { lanes, panelRows } from '../pack/rows.js';
import type { Slopes } from './dense-pass.js';
import type { Order } from './order.js';
import { gradientDepth, gradientRows } from './plan.js';
import type { Param, PartShape, RecurrentTape, Weight } from './program.js';
import { type Pass, rowsOf, type Seat } from './seat.js';

/** Floats of a part's dz that meet its weights at a time: with those they stay in a second-level cache. */
const stripFloats = 2 ** 15;
/** So few rows would fetch the weights for too little. */
const leastStrip = 96;

/**
 * A recurrent layer. Forward and back through time a worker has whole parts where there are enough of them, else all
 * parts of some streams: either way it runs all steps alone. Of the weights' gradients and of the input's it has rows, so
 * that nothing is ever added up over workers.
 */
export function bindRecurrent(op: RecurrentTape, seat: Seat, { dy, dx }: Slopes): Pass {
  const { kernels, program, k, n } = seat;
  const { out, parts, whole, cell, outputs: hidden } = op;
  const { ld } = out;
  const { constants } = program;
  const { dh, dc } = program.scratch[k]!;
  const byParts = parts >= n;
  const owned = byParts ? shareOf(parts, k, n) : { from: 0, to: parts };
  const streamsOf = (batch: number) => (byParts ? { from: 0, to: batch } : shareOf(batch, k, n));
  const diagonal = op.diagonal ? 1 : 0;
  const whh = 'forward' in op.whh ? op.whh.forward : program.weights + op.whh.at;
  const whhBack = 'backward' in op.whh ? op.whh.backward : program.weights + op.whh.at;
  const bhh = program.weights + op.bhh.at;
  const first = owned.from * whole.units * 4;
  const width = Math.min(hidden, owned.to * whole.units) - owned.from * whole.units;
  const lengthsOf = ({ ragged }: Order) => (ragged ? program.lengths : 0);

  /** Copies rows of this worker's units and streams, from another state or from zeros. */
  const copy = (to: number, from: number, ldFrom: number, { from: b0, to: b1 }: Range) => {
    if (to !== 0 && width > 0)
      kernels.keep_state_f32(
        to + b0 * ld + first,
        ld,
        from + b0 * ldFrom + (ldFrom && first),
        ldFrom,
        0,
        0,
        1,
        b1 - b0,
        width,
      );
  };

  return {
    forward(order, meet) {
      const { steps, batch, carry, stage } = order;
      const streams = streamsOf(batch);
      const kept = op.kept[stage === 'evaluate' ? 1 : 0]!;
      copy(out.y, carry ? kept.h : program.zeros, carry ? ld : 0, streams);
      copy(op.c, carry ? kept.c : program.zeros, carry ? ld : 0, streams);
      project(op, seat, order, byParts ? owned : undefined);
      if (!byParts) meet();
      // biome-ignore format: one line an object: output, tape, weights, sizes, ranges
      kernels.recurrent_tape_f32(
        cell, out.y, ld, op.c, ld,
        op.z, op.s,
        whh, bhh, constants,
        lengthsOf(order), steps, batch, hidden, whole.units, diagonal,
        owned.from, owned.to, streams.from, streams.to,
      );
    },

    backward(order, meet) {
      const { steps, batch } = order;
      const streams = streamsOf(batch);
      // biome-ignore format: as above
      kernels.recurrent_back_f32(
        cell, dy, ld, out.y, ld, op.c, ld,
        op.z, op.s, dh, dc,
        whhBack, constants,
        lengthsOf(order), steps, batch, hidden, whole.units, diagonal,
        owned.from, owned.to, streams.from, streams.to,
      );
      meet();
      addGradients(op, seat, order);
      if (dx !== 0) descend(op, seat, order, dx);
    },

    keep(order, which) {
      const { steps, batch, carry } = order;
      const kept = op.kept[which]!;
      const streams = streamsOf(batch);
      const { from: b0, to: b1 } = streams;
      const lengths = lengthsOf(order);
      if (width <= 0) return;
      if (!carry) {
        // A stream of no steps stays where it began, and that was zero.
        copy(kept.h, program.zeros, 0, streams);
        copy(kept.c, program.zeros, 0, streams);
      }
      for (const [to, from] of [
        [kept.h, out.y],
        [kept.c, op.c],
      ] as const) {
        if (to === 0) continue;
        // Rows of step t begin at slot t + 1. Streams are kept one by one, for they are a batch apart.
        for (let b = b0; b < b1; b++) {
          const at = from + (batch + b) * ld + first;
          keepStream(
            kernels.keep_state_f32,
            to + b * ld + first,
            at,
            batch * ld,
            lengths && lengths + b * 4,
            steps,
            width,
          );
        }
      }
    },
  };
}

/** One stream's last valid row, of rows that are `ldy` apart. */
function keepStream(
  keep: (...args: number[]) => void,
  to: number,
  y: number,
  ldy: number,
  lengths: number,
  steps: number,
  width: number,
): void {
  keep(to, 0, y, ldy, lengths, 0, steps, 1, width);
}

function shapeOf(op: RecurrentTape, part: number): PartShape {
  return part + 1 === op.parts ? op.last : op.whole;
}

/** z = b + W_ih x: of some parts for all rows, or of all parts for this worker's share of the rows. */
function project(op: RecurrentTape, { kernels, k, n }: Seat, order: Order, owned: Range | undefined): void {
  const { input, inputs, parts, whole, wih, bias, z } = op;
  const rows = order.steps * order.batch;
  const range = owned ?? { from: 0, to: parts };
  const { from, to } = owned === undefined ? shareOf(rows, k, n) : { from: 0, to: rows };
  const x = rowsOf(input, order.batch) + from * input.ld;
  for (let part = range.from; part < range.to; part++) {
    const { rows: own } = shapeOf(op, part);
    const ldz = own * 4;
    const to_ = z + part * rows * whole.rows * 4 + from * ldz;
    const weights = wih.forward + part * whole.rows * inputs * 4;
    kernels.gemm_f32(
      to_,
      ldz,
      bias + part * whole.rows * 4,
      0,
      x,
      input.ld,
      weights,
      to - from,
      inputs,
      own / panelRows,
    );
  }
}

/** This worker's rows of the gradients of W_ih, W_hh and the biases. */
function addGradients(op: RecurrentTape, seat: Seat, { steps, batch }: Order): void {
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
  // All that reads a stretch of dz does so while it is near. The kernels go on from what they left, row after row.
  for (let m = 0; m < rows; m += gradientDepth) {
    const depth = Math.min(gradientDepth, rows - m);
    const [dzAt, dsAt] = [dz + m * ldz, ds + m * ldz];
    kernels.column_sums_f32(outBih, dzAt, ldz, depth, count);
    if (op.separateBias) kernels.column_sums_f32(outBhh, dsAt, ldz, depth, count);
    const xAt = x + m * input.ld;
    kernels.gemm_tn_f32(outIh, ldIh, dzAt, ldz, xAt, input.ld, packed, depth, count, inputs);
    if (hidden === undefined) continue;
    const outHh = slopes + hidden.at + place * hidden.ld;
    const hAt = h + m * ldh;
    kernels.gemm_tn_f32(outHh, hidden.ld, dsAt, ldz, hAt, ldh, packed, depth, count, shape.units);
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
 * does a part's dz while all panels pass by. Shares of columns would have every worker read all of dz.
 */
function descend(
  op: RecurrentTape,
  { kernels, program, k, n }: Seat,
  { steps, batch }: Order,
  dx: number,
): void {
  const { inputs, parts, whole, wih, z, input } = op;
  const rows = steps * batch;
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
      const dz = z + (part * rows * whole.rows + row * depth) * 4;
      kernels.gemm_f32(out, input.ld, init, ldInit, dz, depth * 4, weights, count, depth, panels);
    }
  }
}
