import { shareOf } from '../../engine/share.js';
import { combineCodes } from '../../model/kinds.js';
import type { Link, Param } from '../plan/link.js';
import type { CombineTape, FunctionTape, NormTape, ScaleTape, ShuffleTape } from '../plan/tapes.js';
import type { Slopes } from './dense.js';
import { clearBeside, clearPadding } from './rows.js';
import { type RowPass, rowsOf, type Seat } from './seat.js';

/** Floats in a cache line: shares of columns begin on one. */
const line = 16;
const { add, subtract, multiply, divide } = combineCodes;

/** An element-wise function. */
export function bindFunction(op: FunctionTape, seat: Seat, { dy, dx }: Slopes): RowPass {
  const { input, out, outputs, code, alpha, beta } = op;
  const { ld } = out;
  const { function_f32, function_back_f32 } = seat.kernels;
  const { constants } = seat.program;
  return {
    forward(order, { from, to }) {
      const x = rowsOf(input, order.batch) + from * input.ld;
      function_f32(out.y + from * ld, ld, x, input.ld, constants, to - from, outputs, code, alpha, beta);
    },
    backward(order, { from, to }) {
      if (dx === 0) return;
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
 * Operands one with another. The gradient of a sum is each operand's as it is, and is no work here.
 * @param dx of each operand; 0 where nobody asks
 */
export function bindCombine(op: CombineTape, seat: Seat, dy: number, dx: readonly number[]): RowPass {
  const { inputs, out, outputs, combine } = op;
  const { ld } = out;
  const { combine_f32 } = seat.kernels;
  const { zeros } = seat.program;
  return {
    forward(order, rows) {
      const { from, to } = rows;
      const x = inputs.map((link) => rowsOf(link, order.batch) + from * ld);
      const y = out.y + from * ld;
      const code = combineCodes[combine];
      let a = x[0]!;
      for (const b of x.slice(1)) {
        combine_f32(y, ld, a, ld, b, ld, to - from, outputs, code);
        a = y;
      }
      if (combine === 'divide') clearBeside(seat, out.y, ld, outputs, order, rows);
    },
    backward(order, rows) {
      if (combine === 'add') return;
      const { from, to } = rows;
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
          for (const [other, factor] of x.entries()) {
            if (other === index) continue;
            set(product, factor, multiply);
            product = to_;
          }
        } else if (index === 0) {
          let quotient = d;
          for (const divisor of x.slice(1)) {
            set(quotient, divisor, divide);
            quotient = to_;
          }
        } else {
          // y = … / b: −dy y / b
          set(d, y, multiply);
          set(to_, x[index]!, divide);
          set(zeros, to_, subtract);
        }
        if (combine === 'divide') clearBeside(seat, address, ld, outputs, order, rows);
      }
    },
  };
}

/** y = x · weight + bias: columns of the gradients are shared out. */
export function bindScale(op: ScaleTape, seat: Seat, { dy, dx }: Slopes): RowPass {
  const { input, out, outputs, weight, bias, left } = op;
  const { ld } = out;
  const { scale_f32, combine_f32 } = seat.kernels;
  const { weights } = seat.program;
  const w = weights + weight.at;
  const b = bias === undefined ? seat.program.zeros : weights + bias.at;
  return {
    forward(order, { from, to }) {
      const x = rowsOf(input, order.batch) + from * input.ld;
      scale_f32(out.y + from * ld, ld, x, input.ld, w, b, to - from, outputs);
    },
    backward(order, { from, to }) {
      const x = rowsOf(input, order.batch) + from * input.ld;
      const [d, p] = [dy + from * ld, left + from * ld];
      const rows = to - from;
      if (dx !== 0) combine_f32(dx + from * ld, ld, d, ld, w, 0, rows, ld / 4, multiply);
      combine_f32(p, ld, d, ld, x, input.ld, rows, ld / 4, multiply);
    },
    gradients({ steps, batch }) {
      sumColumns(seat, weight, out, left, steps * batch);
      if (bias !== undefined) sumColumns(seat, bias, out, dy, steps * batch);
    },
    leaves: true,
  };
}

/** Features in another order. */
export function bindShuffle(op: ShuffleTape, seat: Seat, { dy, dx }: Slopes): RowPass {
  const { input, out, outputs, order: indices } = op;
  const { ld } = out;
  const { gather_f32, scatter_f32 } = seat.kernels;
  return {
    forward({ batch }, { from, to }) {
      const x = rowsOf(input, batch) + from * input.ld;
      gather_f32(out.y + from * ld, ld, x, input.ld, indices, to - from, outputs);
    },
    backward(_, { from, to }) {
      if (dx === 0) return;
      scatter_f32(dx + from * input.ld, input.ld, dy + from * ld, ld, indices, to - from, outputs);
      clearPadding(seat, dx, input.ld, outputs, { from, to });
    },
  };
}

/** Normalised groups of features: columns of the gradients are shared out. */
export function bindNorm(op: NormTape, seat: Seat, { dy, dx }: Slopes): RowPass {
  const { input, out, outputs, weight, bias, left, groups, centred, epsilon } = op;
  const { ld } = out;
  const { norm_f32, norm_back_f32 } = seat.kernels;
  const { weights } = seat.program;
  const w = weights + weight.at;
  const b = bias === undefined ? 0 : weights + bias.at;
  const sizes = [groups, outputs / groups, centred ? 1 : 0, epsilon] as const;
  return {
    forward(order, { from, to }) {
      const x = rowsOf(input, order.batch) + from * input.ld;
      norm_f32(out.y + from * ld, ld, x, input.ld, w, b, to - from, ...sizes);
    },
    backward(order, { from, to }) {
      const x = rowsOf(input, order.batch) + from * input.ld;
      const [rows, at] = [to - from, from * ld];
      const to_ = dx === 0 ? 0 : dx + at;
      norm_back_f32(to_, ld, left + at, ld, dy + at, ld, x, input.ld, w, rows, ...sizes);
      if (dx !== 0) clearPadding(seat, dx, ld, outputs, { from, to });
    },
    gradients({ steps, batch }) {
      sumColumns(seat, weight, out, left, steps * batch);
      if (bias !== undefined) sumColumns(seat, bias, out, dy, steps * batch);
    },
    leaves: true,
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
