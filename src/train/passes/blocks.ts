import { type Range, shareOf } from '../../engine/share.js';
import { panelRows } from '../../pack/rows.js';
import type { Param } from '../plan/link.js';
import { gradientRows } from '../plan/plan.js';
import type { BlocksTape, BlockWeight } from '../plan/tapes.js';
import type { Slopes } from './dense.js';
import { sumColumns } from './pointwise.js';
import { clearPadding } from './rows.js';
import { type RowPass, rowsOf, type Seat } from './seat.js';

/** y = x Wᵀ + b, block by block: rows of dW are shared out. */
export function bindBlocks(op: BlocksTape, seat: Seat, { dy, dx }: Slopes): RowPass {
  const { input, out, bias } = op;
  const { weights, zeros } = seat.program;
  const product = bindProduct(op, seat);
  return {
    forward({ batch }, rows) {
      const init = bias === undefined ? zeros : weights + bias.at;
      product.forward(out.y, out.ld, rowsOf(input, batch), input.ld, init, rows);
    },
    backward(_, rows) {
      if (dx !== 0) product.descend(dx, input.ld, dy, out.ld, rows);
    },
    gradients({ steps, batch }) {
      product.addGradient(dy, out.ld, rowsOf(input, batch), input.ld, steps * batch, bias);
    },
  };
}

/** Products with a weight. Addresses are those of the first row, strides in bytes. */
export interface Product {
  /** Some rows of y = init + x Wᵀ, a row of outputs that all begin with. */
  forward(y: number, ldy: number, x: number, ldx: number, init: number, rows: Range): void;
  /** Some rows of dx = dy W, and zeros behind their columns. */
  descend(dx: number, lddx: number, dy: number, lddy: number, rows: Range): void;
  /** This worker's rows of dW += dyᵀ x, and of db += Σ dy. */
  addGradient(dy: number, lddy: number, x: number, ldx: number, rows: number, bias: Param | undefined): void;
}

/** Products with a block-diagonal weight. They come in whole panels, so that a block whose columns are none is made beside and copied. */
export function bindProduct(op: BlockWeight, seat: Seat): Product {
  const { kernels, program, k, n } = seat;
  const { inputs, outputs, parts, weight, staged } = op;
  const { param } = weight;
  const [own, depth] = [outputs / parts, inputs / parts];
  const panels = { forward: param.rows / panelRows, backward: Math.ceil(depth / panelRows) };

  /** `count` rows of one block, straight to where they belong or beside it first. */
  const multiply = (
    to: number,
    ldTo: number,
    width: number,
    { from, to: end }: Range,
    init: number,
    ...product: [x: number, ldx: number, w: number, depth: number, panels: number]
  ) => {
    const [x, ldx, w, length, wide] = product;
    const isWhole = width % panelRows === 0;
    const target = to + from * ldTo;
    const at = isWhole ? target : staged.y + from * staged.ld;
    const ldAt = isWhole ? ldTo : staged.ld;
    kernels.gemm_f32(at, ldAt, init, 0, x + from * ldx, ldx, w, end - from, length, wide);
    if (!isWhole) kernels.copy_f32(target, ldTo, at, ldAt, end - from, width);
  };

  return {
    forward(y, ldy, x, ldx, init, rows) {
      for (let part = 0; part < parts; part++) {
        const first = init === program.zeros ? init : init + part * own * 4;
        const w = weight.forward + part * param.rows * depth * 4;
        const [to, block] = [y + part * own * 4, x + part * depth * 4];
        multiply(to, ldy, own, rows, first, block, ldx, w, depth, panels.forward);
      }
    },
    descend(dx, lddx, dy, lddy, rows) {
      for (let part = 0; part < parts; part++) {
        const w = weight.backward + part * param.rows * panels.backward * panelRows * 4;
        const [to, block] = [dx + part * depth * 4, dy + part * own * 4];
        multiply(to, lddx, depth, rows, program.zeros, block, lddy, w, own, panels.backward);
      }
      clearPadding(seat, dx, lddx, inputs, rows);
    },
    addGradient(dy, lddy, x, ldx, rows, bias) {
      if (bias !== undefined) sumColumns(seat, bias, { y: dy, ld: lddy, skip: 0 }, dy, rows);
      const { packed } = program.scratch[k]!;
      const octets = shareOf((parts * param.rows) / panelRows, k, n);
      const [begin, end] = [octets.from * panelRows, octets.to * panelRows];
      for (let part = Math.floor(begin / param.rows); part * param.rows < end; part++) {
        const first = Math.max(0, begin - part * param.rows);
        const last = Math.min(own, end - part * param.rows);
        for (let row = first; row < last; row += gradientRows) {
          const count = Math.min(gradientRows, last - row);
          const dw = program.slopes + param.at + (part * param.rows + row) * param.ld;
          const d = dy + (part * own + row) * 4;
          const block = x + part * depth * 4;
          kernels.gemm_tn_f32(dw, param.ld, d, lddy, block, ldx, packed, rows, count, depth);
        }
      }
    },
  };
}
