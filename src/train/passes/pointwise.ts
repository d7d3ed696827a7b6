import { shareOf } from '../../engine/share.js';
import { combineCodes } from '../../model/kinds.js';
import type { Link, Param } from '../plan/link.js';
import type { CombineTape, FunctionTape, NormTape, ScaleTape, ShuffleTape } from '../plan/tapes.js';
import type { Slopes } from './dense.js';
import { clearBeside, clearPadding, rowShare } from './rows.js';
import { type Pass, rowsOf, type Seat } from './seat.js';

/** Floats in a cache line: shares of columns begin on one. */
const line = 16;
const { add, subtract, multiply, divide } = combineCodes;

/** An element-wise function: rows are shared out. */
export function bindFunction(op: FunctionTape, seat: Seat, { dy, dx }: Slopes): Pass {
  const { input, out, outputs, code, alpha, beta } = op;
  const { ld } = out;
  const { function_f32, function_back_f32 } = seat.kernels;
  const { constants } = seat.program;
  return {
    forward(order) {
      const { from, to } = rowShare(seat, order);
      const x = rowsOf(input, order.batch) + from * input.ld;
      function_f32(out.y + from * ld, ld, x, input.ld, constants, to - from, outputs, code, alpha, beta);
    },
    backward(order) {
      if (dx === 0) return;
      const { from, to } = rowShare(seat, order);
      const x = rowsOf(input, order.batch) + from * input.ld;
      const at = from * ld;
      // With their padding, so that zeros stay behind the columns.
      // biome-ignore format: gradients, argument, sizes
      function_back_f32(
        dx + at, ld, dy + at, ld, x, input.ld, constants,
        to - from, ld / 4, code, alpha, beta,
      );
    },
  };
}

/**
 * Operands one with another: rows are shared out. The gradient of a sum is each operand's as it is, and is no work here.
 * @param dx of each operand; 0 where nobody asks
 */
export function bindCombine(op: CombineTape, seat: Seat, dy: number, dx: readonly number[]): Pass {
  const { inputs, out, outputs, combine } = op;
  const { ld } = out;
  const { combine_f32 } = seat.kernels;
  const { zeros } = seat.program;
  return {
    forward(order) {
      const { from, to } = rowShare(seat, order);
      const rows = inputs.map((link) => rowsOf(link, order.batch) + from * ld);
      const y = out.y + from * ld;
      const code = combineCodes[combine];
      let a = rows[0]!;
      for (const b of rows.slice(1)) {
        combine_f32(y, ld, a, ld, b, ld, to - from, outputs, code);
        a = y;
      }
      if (combine === 'divide') clearBeside(seat, out.y, ld, outputs, order);
    },
    backward(order) {
      if (combine === 'add') return;
      const { from, to } = rowShare(seat, order);
      const x = inputs.map((link) => rowsOf(link, order.batch) + from * ld);
      const [d, y] = [dy + from * ld, out.y + from * ld];
      for (const [index, address] of dx.entries()) {
        if (address === 0) continue;
        const to_ = address + from * ld;
        /** to = a ∘ b, with their padding; rows of zeros are one row */
        const set = (a: number, b: number, code: number) =>
          combine_f32(to_, ld, a, a === zeros ? 0 : ld, b, ld, to - from, ld / 4, code);
        if (combine === 'subtract') {
          if (index === 0) set(zeros, d, add);
          else set(zeros, d, subtract);
        } else if (combine === 'multiply') {
          // dy times the others
          let product = d;
          for (const [other, rows] of x.entries()) {
            if (other === index) continue;
            set(product, rows, multiply);
            product = to_;
          }
        } else if (index === 0) {
          let quotient = d;
          for (const rows of x.slice(1)) {
            set(quotient, rows, divide);
            quotient = to_;
          }
        } else {
          // y = … / b: −dy y / b
          set(d, y, multiply);
          set(to_, x[index]!, divide);
          set(zeros, to_, subtract);
        }
        if (combine === 'divide') clearBeside(seat, address, ld, outputs, order);
      }
    },
  };
}

/** y = x · weight + bias: rows are shared out, and columns of the gradients. */
export function bindScale(op: ScaleTape, seat: Seat, { dy, dx }: Slopes): Pass {
  const { input, out, outputs, weight, bias } = op;
  const { ld } = out;
  const { scale_f32, combine_f32 } = seat.kernels;
  const { weights } = seat.program;
  const w = weights + weight.at;
  const b = bias === undefined ? seat.program.zeros : weights + bias.at;
  return {
    forward(order) {
      const { from, to } = rowShare(seat, order);
      const x = rowsOf(input, order.batch) + from * input.ld;
      scale_f32(out.y + from * ld, ld, x, input.ld, w, b, to - from, outputs);
    },
    backward(order, meet) {
      const { from, to } = rowShare(seat, order);
      const x = rowsOf(input, order.batch) + from * input.ld;
      const [d, p] = [dy + from * ld, out.y + from * ld];
      const rows = to - from;
      if (dx !== 0) combine_f32(dx + from * ld, ld, d, ld, w, 0, rows, ld / 4, multiply);
      combine_f32(p, ld, d, ld, x, input.ld, rows, ld / 4, multiply);
      meet();
      sumColumns(seat, weight, out, rowsOf(out, order.batch), order.steps * order.batch);
      if (bias !== undefined) sumColumns(seat, bias, out, dy, order.steps * order.batch);
    },
  };
}

/** Features in another order: rows are shared out. */
export function bindShuffle(op: ShuffleTape, seat: Seat, { dy, dx }: Slopes): Pass {
  const { input, out, outputs, order: indices } = op;
  const { ld } = out;
  const { gather_f32, scatter_f32 } = seat.kernels;
  return {
    forward(order) {
      const { from, to } = rowShare(seat, order);
      const x = rowsOf(input, order.batch) + from * input.ld;
      gather_f32(out.y + from * ld, ld, x, input.ld, indices, to - from, outputs);
    },
    backward(order) {
      if (dx === 0) return;
      const { from, to } = rowShare(seat, order);
      scatter_f32(dx + from * input.ld, input.ld, dy + from * ld, ld, indices, to - from, outputs);
      clearPadding(seat, dx, input.ld, outputs, { from, to });
    },
  };
}

/** Normalised groups of features: rows are shared out, and columns of the gradients. */
export function bindNorm(op: NormTape, seat: Seat, { dy, dx }: Slopes): Pass {
  const { input, out, outputs, weight, bias, groups, centred, epsilon } = op;
  const { ld } = out;
  const { norm_f32, norm_back_f32 } = seat.kernels;
  const { weights } = seat.program;
  const w = weights + weight.at;
  const b = bias === undefined ? 0 : weights + bias.at;
  const sizes = [groups, outputs / groups, centred ? 1 : 0, epsilon] as const;
  return {
    forward(order) {
      const { from, to } = rowShare(seat, order);
      const x = rowsOf(input, order.batch) + from * input.ld;
      norm_f32(out.y + from * ld, ld, x, input.ld, w, b, to - from, ...sizes);
    },
    backward(order, meet) {
      const { from, to } = rowShare(seat, order);
      const x = rowsOf(input, order.batch) + from * input.ld;
      const [rows, at] = [to - from, from * ld];
      const to_ = dx === 0 ? 0 : dx + at;
      norm_back_f32(to_, ld, out.y + at, ld, dy + at, ld, x, input.ld, w, rows, ...sizes);
      if (dx !== 0) clearPadding(seat, dx, ld, outputs, { from, to });
      meet();
      sumColumns(seat, weight, out, out.y, order.steps * order.batch);
      if (bias !== undefined) sumColumns(seat, bias, out, dy, order.steps * order.batch);
    },
  };
}

/** This worker's columns of a vector's gradient: sums over all rows, in their order. */
export function sumColumns(
  { kernels, program, k, n }: Seat,
  param: Param,
  { ld }: Link,
  rows: number,
  count: number,
): void {
  const lines = shareOf(Math.ceil(param.rows / line), k, n);
  const from = lines.from * line;
  const to = Math.min(param.rows, lines.to * line);
  if (from >= to) return;
  kernels.column_sums_f32(program.slopes + param.at + from * 4, rows + from * 4, ld, count, to - from);
}
