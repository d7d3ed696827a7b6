import { shareOf } from '../../engine/share.js';
import { panelRows } from '../../pack/rows.js';
import { gradientRows } from '../plan/plan.js';
import type { BlocksTape } from '../plan/tapes.js';
import type { Slopes } from './dense.js';
import { sumColumns } from './pointwise.js';
import { type RowPass, rowsOf, type Seat } from './seat.js';

/**
 * y = x Wᵀ + b, block by block: rows of dW are shared out. Products come in whole panels, so that
 * a block whose columns are none is made beside and copied.
 */
export function bindBlocks(op: BlocksTape, seat: Seat, { dy, dx }: Slopes): RowPass {
  const { kernels, program, k, n } = seat;
  const { input, out, inputs, outputs, parts, weight, bias, staged } = op;
  const { param } = weight;
  const [own, depth] = [outputs / parts, inputs / parts];
  const panels = { forward: param.rows / panelRows, backward: Math.ceil(depth / panelRows) };
  const { ld } = out;

  /** `count` rows of one block, straight to where they belong or beside it first. */
  const multiply = (
    to: number,
    ldTo: number,
    width: number,
    first: number,
    count: number,
    init: number,
    ...product: [x: number, ldx: number, w: number, depth: number, panels: number]
  ) => {
    const [x, ldx, w, length, wide] = product;
    const isWhole = width % panelRows === 0;
    const at = isWhole ? to : staged.y + first * staged.ld;
    const ldAt = isWhole ? ldTo : staged.ld;
    kernels.gemm_f32(at, ldAt, init, 0, x, ldx, w, count, length, wide);
    if (!isWhole) kernels.copy_f32(to, ldTo, at, ldAt, count, width);
  };

  return {
    forward({ batch }, { from, to }) {
      const x = rowsOf(input, batch) + from * input.ld;
      for (let part = 0; part < parts; part++) {
        const init = bias === undefined ? program.zeros : program.weights + bias.at + part * own * 4;
        const w = weight.forward + part * param.rows * depth * 4;
        const y = out.y + from * ld + part * own * 4;
        const block = x + part * depth * 4;
        multiply(y, ld, own, from, to - from, init, block, input.ld, w, depth, panels.forward);
      }
    },
    backward(_, { from, to }) {
      if (dx === 0) return;
      const lddx = input.ld;
      for (let part = 0; part < parts; part++) {
        const w = weight.backward + part * param.rows * panels.backward * panelRows * 4;
        const block = dy + from * ld + part * own * 4;
        const at = dx + from * lddx + part * depth * 4;
        multiply(at, lddx, depth, from, to - from, program.zeros, block, ld, w, own, panels.backward);
      }
      const beside = lddx / 4 - inputs;
      if (beside > 0) kernels.clear_rows_f32(dx + from * lddx + inputs * 4, lddx, to - from, beside);
    },
    gradients({ steps, batch }) {
      addGradient(batch, steps * batch);
      if (bias !== undefined) sumColumns(seat, bias, out, dy, steps * batch);
    },
  };

  function addGradient(batch: number, rows: number): void {
    const { packed } = program.scratch[k]!;
    const x = rowsOf(input, batch);
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
        kernels.gemm_tn_f32(dw, param.ld, d, ld, block, input.ld, packed, rows, count, depth);
      }
    }
  }
}
