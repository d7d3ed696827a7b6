import { shareOf } from '../../engine/share.js';
import { panelRows } from '../../pack/rows.js';
import type { Link, Param, Weight } from '../plan/link.js';
import { gradientRows } from '../plan/plan.js';
import type { ActivationTape, EmbeddingTape, LinearTape } from '../plan/program.js';
import { byIdOf } from '../plan/recurrent-tape.js';
import { type Pass, type RowPass, rowsOf, type Seat } from './seat.js';

/** Floats in a cache line: shares of columns begin on one. */
const line = 16;

/** Gradients of a layer's output and, unless nobody asks for it (0), of its input: addresses of rows. */
export interface Slopes {
  dy: number;
  dx: number;
}

/** y = x Wᵀ + b: rows of dW are shared out. */
export function bindLinear(op: LinearTape, seat: Seat, { dy, dx }: Slopes): RowPass {
  const { kernels, program } = seat;
  const { input, out, inputs, outputs, weight, bias } = op;
  const biasAt = bias === undefined ? program.zeros : program.weights + bias.at;
  return {
    forward({ batch }, { from, to }) {
      const x = rowsOf(input, batch) + from * input.ld;
      const panels = weight.param.rows / panelRows;
      kernels.gemm_f32(
        out.y + from * out.ld,
        out.ld,
        biasAt,
        0,
        x,
        input.ld,
        weight.forward,
        to - from,
        inputs,
        panels,
      );
    },
    backward(_, { from, to }) {
      if (dx !== 0) descend(seat, weight, outputs, dx, input.ld, dy, out.ld, from, to);
    },
    gradients({ steps, batch }) {
      const slope = { y: dy, ld: out.ld, skip: 0 };
      addGradient(seat, weight.param, bias, slope, input, rowsOf(input, batch), steps * batch);
    },
  };
}

/** Outputs that meet their weights at a time: their stretch of dy stays in a second-level cache while all panels pass by. */
const stretch = 1024;

/** Rows [from, to) of dx = dy W, a sum over `depth` outputs that goes on from stretch to stretch. */
export function descend(
  { kernels, program }: Seat,
  { param, backward }: Weight,
  depth: number,
  dx: number,
  lddx: number,
  dy: number,
  lddy: number,
  from: number,
  to: number,
): void {
  const panels = Math.ceil(param.columns / panelRows);
  const [out, x] = [dx + from * lddx, dy + from * lddy];
  if (depth <= stretch) {
    kernels.gemm_f32(out, lddx, program.zeros, 0, x, lddy, backward, to - from, depth, panels);
    return;
  }
  const panelBytes = depth * panelRows * 4;
  for (let first = 0; first < depth; first += stretch) {
    const count = Math.min(stretch, depth - first);
    for (let panel = 0; panel < panels; panel++) {
      const strip = out + panel * panelRows * 4;
      const [init, ldInit] = first === 0 ? [program.zeros, 0] : [strip, lddx];
      const w = backward + panel * panelBytes + first * panelRows * 4;
      kernels.gemm_f32(strip, lddx, init, ldInit, x + first * 4, lddy, w, to - from, count, 1);
    }
  }
}

/** This worker's rows of dW += dyᵀ x and db += Σ dy, of a weight of one part. */
export function addGradient(
  { kernels, program, k, n }: Seat,
  weight: Param,
  bias: Param | undefined,
  { y: dy, ld: lddy }: Link,
  { ld: ldx }: Link,
  x: number,
  rows: number,
): void {
  const { slopes, scratch } = program;
  const { packed } = scratch[k]!;
  const octets = shareOf(weight.rows / panelRows, k, n);
  const end = octets.to * panelRows;
  for (let row = octets.from * panelRows; row < end; row += gradientRows) {
    const count = Math.min(gradientRows, end - row);
    const out = slopes + weight.at + row * weight.ld;
    kernels.gemm_tn_f32(out, weight.ld, dy + row * 4, lddy, x, ldx, packed, rows, count, weight.columns);
    if (bias !== undefined)
      kernels.column_sums_f32(slopes + bias.at + row * 4, dy + row * 4, lddy, rows, count);
  }
}

/**
 * y = table[ids]: rows of y are shared out, and columns of the gradient. Where the layer behind goes by id, dy has a row
 * for each id.
 */
export function bindEmbedding(op: EmbeddingTape, seat: Seat, { dy }: Slopes): Pass {
  const { kernels, program, k, n } = seat;
  const { input, out, outputs, weight } = op;
  const { embedding_f32, embedding_grad_f32 } = kernels;
  return {
    forward({ steps, batch }) {
      if (byIdOf(op, steps * batch) !== undefined) return;
      const { from, to } = shareOf(steps * batch, k, n);
      const table = program.weights + weight.at;
      embedding_f32(out.y + from * out.ld, out.ld, input.y + from * 4, table, weight.ld, to - from, outputs);
    },
    backward({ steps, batch }) {
      if (byIdOf(op, steps * batch) !== undefined) {
        const ids = shareOf(weight.rows, k, n);
        const at = ids.from * weight.ld;
        kernels.add_f32(program.slopes + weight.at + at, dy + at, ((ids.to - ids.from) * weight.ld) / 4);
        return;
      }
      const lines = shareOf(Math.ceil(outputs / line), k, n);
      const from = lines.from * line;
      const to = Math.min(outputs, lines.to * line);
      if (from >= to) return;
      const table = program.slopes + weight.at + from * 4;
      embedding_grad_f32(table, weight.ld, input.y, dy + from * 4, out.ld, steps * batch, to - from);
    },
  };
}

const backwardOf = { tanh: 'tanh_back_f32', sigmoid: 'sigmoid_back_f32', relu: 'relu_back_f32' } as const;
const forwardOf = { tanh: 'tanh_f32', sigmoid: 'sigmoid_f32', relu: 'relu_f32' } as const;

/** An element-wise function. */
export function bindActivation(op: ActivationTape, { kernels, program }: Seat, { dy, dx }: Slopes): RowPass {
  const { input, out, outputs, activation } = op;
  const { ld } = out;
  return {
    forward({ batch }, { from, to }) {
      const x = rowsOf(input, batch) + from * input.ld;
      kernels[forwardOf[activation]](
        out.y + from * ld,
        ld,
        x,
        input.ld,
        program.constants,
        to - from,
        outputs,
      );
    },
    backward(_, { from, to }) {
      if (dx === 0) return;
      // With their padding, so that zeros stay behind the columns.
      const at = from * ld;
      kernels[backwardOf[activation]](dx + at, ld, dy + at, ld, out.y + at, ld, to - from, ld / 4);
    },
  };
}
