import { shareOf } from '../../engine/share.js';
import { panelRows } from '../../pack/rows.js';
import type { Order } from '../plan/order.js';
import type { ConvTape, DelayTape } from '../plan/tapes.js';
import type { Slopes } from './dense.js';
import { sumColumns } from './pointwise.js';
import type { RowPass, Seat } from './seat.js';

/** y = bias + Σ_j weight_j x of some steps ago: features of the gradients are shared out. */
export function bindConv(op: ConvTape, seat: Seat, { dy, dx }: Slopes): RowPass {
  const { input, out, outputs, weight, bias, packed } = op;
  const { kernels, program, k, n } = seat;
  const { ld } = out;
  const width = weight.columns;
  const biasAt = bias === undefined ? program.zeros : program.weights + bias.at;
  const state = bindPast(op, seat);
  return {
    begin: state.begin,
    forward({ batch }, { from, to }) {
      // biome-ignore format: output, tape, weights, ranges, sizes
      kernels.conv_tape_f32(
        out.y, ld, input.y, input.ld, packed, biasAt,
        from, to, batch, outputs, width,
      );
    },
    backward({ steps, batch }, { from, to }) {
      const rows = steps * batch;
      if (dx !== 0) kernels.conv_back_f32(dx, ld, dy, ld, packed, from, to, rows, batch, outputs, width);
    },
    gradients({ steps, batch }) {
      const rows = steps * batch;
      const octets = shareOf(weight.rows / panelRows, k, n);
      const [c0, c1] = [octets.from * panelRows, octets.to * panelRows];
      const dw = program.slopes + weight.at;
      kernels.conv_grad_f32(dw, weight.ld, dy, ld, input.y, input.ld, rows, batch, c0, c1, width);
      if (bias !== undefined) sumColumns(seat, bias, out, dy, rows);
    },
    keep: state.keep,
  };
}

/** What came in some steps ago: its output lies where its input does. */
export function bindDelay(op: DelayTape, seat: Seat, { dy, dx }: Slopes): RowPass {
  const { past, out } = op;
  const { ld } = out;
  const { copy_f32, clear_rows_f32 } = seat.kernels;
  const state = bindPast(op, seat);
  return {
    begin: state.begin,
    backward({ steps, batch }, { from, to }) {
      if (dx === 0) return;
      // The last steps' inputs come out in no step of this batch.
      const shift = past * batch;
      const end = Math.max(from, Math.min(to, steps * batch - shift));
      copy_f32(dx + from * ld, ld, dy + (from + shift) * ld, ld, end - from, ld / 4);
      clear_rows_f32(dx + end * ld, ld, to - end, ld / 4);
    },
    keep: state.keep,
  };
}

/** How what came in before step 0 comes before a tape, and what the next batch needs to where it is kept: streams are shared out. */
function bindPast({ input, past, kept }: ConvTape | DelayTape, { kernels, program, i32, k, n }: Seat) {
  const { copy_f32, clear_rows_f32 } = kernels;
  const { y, ld } = input;
  return {
    begin({ batch, carry, stage }: Order): void {
      const { from, to } = shareOf(past * batch, k, n);
      if (carry)
        copy_f32(y + from * ld, ld, kept[stage === 'evaluate' ? 1 : 0]! + from * ld, ld, to - from, ld / 4);
      else clear_rows_f32(y + from * ld, ld, to - from, ld / 4);
    },
    keep({ steps, batch, ragged }: Order, which: 0 | 1): void {
      const step = batch * ld;
      const { from, to } = shareOf(batch, k, n);
      for (let b = from; b < to; b++) {
        const count = ragged ? i32[program.lengths / 4 + b]! : steps;
        copy_f32(kept[which]! + b * ld, step, y + b * ld + count * step, step, past, ld / 4);
      }
    },
  };
}
