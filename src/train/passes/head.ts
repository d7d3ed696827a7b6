import { shareOf } from '../../engine/share.js';
import { panelRows } from '../../pack/rows.js';
import { ctcScratch, ctcStream } from '../ctc/ctc.js';
import type { Order } from '../plan/order.js';
import type { Head } from '../plan/program.js';
import { bindProduct, type Product } from './blocks.js';
import { addGradient, descend } from './dense.js';
import { type Pass, rowsOf, type Seat } from './seat.js';

/** Floats in a cache line: shares of columns begin on one. */
const line = 16;

/**
 * The last linear layer and the loss, forwards and backwards in one: logits become their own gradients in place, a slice
 * of rows at a time, so that a large vocabulary needs no room for all of them.
 * @param dy gradient of the layer's input; 0 where nobody asks for it
 */
export function bindHead(seat: Seat, dy: number): Pass {
  const { kernels, program, k, n } = seat;
  const { head } = program;
  const { input, outputs, ld, bias, logits, loss, slice } = head;
  const biasAt = bias === undefined ? program.zeros : program.weights + bias.at;
  const product = head.blocks === undefined ? bindDense(seat) : bindProduct(head.blocks, seat);
  const isPooled = loss.kind === 'sequence';
  const isMean = loss.kind === 'sequence' && loss.pool === 'mean' ? 1 : 0;
  const slopes = isPooled ? head.pooledSlope : dy;
  const descends = dy !== 0;

  /** This worker's columns of the layer's input, for pooling. */
  const lines = shareOf(input.ld / (line * 4) + (input.ld % (line * 4) ? 1 : 0), k, n);
  const column = lines.from * line;
  const width = Math.min(input.ld / 4, lines.to * line) - column;
  const lengthsOf = ({ ragged }: Order) => (ragged ? program.lengths : 0);

  const pool = (order: Order) => {
    if (width <= 0) return;
    const y = rowsOf(input, order.batch) + column * 4;
    kernels.pool_f32(
      head.pooled + column * 4,
      input.ld,
      y,
      input.ld,
      lengthsOf(order),
      order.steps,
      order.batch,
      width,
      isMean,
    );
  };
  const unpool = (order: Order) => {
    if (width <= 0) return;
    const from = head.pooledSlope + column * 4;
    kernels.pool_back_f32(
      dy + column * 4,
      input.ld,
      from,
      input.ld,
      lengthsOf(order),
      order.steps,
      order.batch,
      width,
      isMean,
    );
  };

  /** Rows [from, to) of the slice that begins at row `first`: logits become gradients. */
  const score = ({ scale }: Order, first: number, from: number, to: number) => {
    const row = (first + from) * 4;
    const { targets, losses, hits } = head;
    // biome-ignore format: logits, what is made of them, sizes
    kernels.cross_entropy_f32(
      logits + from * ld, ld,
      targets + row, losses + row, hits + row, program.constants,
      to - from, outputs, scale,
    );
  };
  const scoreStreams = loss.kind === 'ctc' ? bindStreams(seat) : undefined;

  return {
    forward(order, meet) {
      const { steps, batch, stage } = order;
      if (isPooled) {
        pool(order);
        meet();
      }
      const x = isPooled ? head.pooled : rowsOf(input, batch);
      const rows = isPooled ? batch : steps * batch;
      const learns = stage !== 'evaluate';
      for (let first = 0; first < rows; first += slice) {
        const count = Math.min(slice, rows - first);
        const { from, to } = shareOf(count, k, n);
        const at = x + first * input.ld;
        product.forward(logits, ld, at, input.ld, biasAt, { from, to });
        if (scoreStreams !== undefined) {
          meet();
          scoreStreams(order);
          meet();
        } else {
          score(order, first, from, to);
        }
        // The logits are overwritten by the next slice, whose rows may be shared out in another way.
        const isLast = first + slice >= rows;
        if (!learns) {
          if (!isLast) meet();
          continue;
        }
        if (descends) product.descend(slopes + first * input.ld, input.ld, logits, ld, { from, to });
        if (scoreStreams === undefined) meet();
        product.addGradient(logits, ld, at, input.ld, count, bias);
        if (!isLast) meet();
      }
      if (learns && isPooled && descends) {
        meet();
        unpool(order);
      }
    },
    backward() {},
  };
}

/** Products with the layer's weight where that is dense. */
function bindDense(seat: Seat): Product {
  const { kernels, program } = seat;
  const { weight, inputs, outputs } = program.head;
  const panels = weight.param.rows / panelRows;
  return {
    forward(y, ldy, x, ldx, init, { from, to }) {
      const [out, first] = [y + from * ldy, x + from * ldx];
      kernels.gemm_f32(out, ldy, init, 0, first, ldx, weight.forward, to - from, inputs, panels);
    },
    descend(dx, lddx, dy, lddy, { from, to }) {
      descend(seat, weight, outputs, dx, lddx, dy, lddy, from, to);
    },
    addGradient(dy, lddy, x, ldx, rows, bias) {
      const linkOf = (y: number, ld: number) => ({ y, ld, skip: 0 });
      addGradient(seat, weight.param, bias, linkOf(dy, lddy), linkOf(x, ldx), x, rows);
    },
  };
}

/** CTC of this worker's streams: their logits become gradients. */
function bindStreams({ program, f32, i32, k, n }: Seat): (order: Order) => void {
  const { head, lengths } = program;
  const { ld, outputs } = head;
  let scratch = new Float64Array(0);
  return ({ steps, batch, ragged, scale }) => {
    const { from, to } = shareOf(batch, k, n);
    const stride = (batch * ld) / 4;
    for (let b = from; b < to; b++) {
      const begin = i32[head.offsets / 4 + b]!;
      const labels = i32.subarray(
        head.targets / 4 + begin,
        head.targets / 4 + i32[head.offsets / 4 + b + 1]!,
      );
      const valid = ragged ? i32[lengths / 4 + b]! : steps;
      const needed = ctcScratch(valid, labels.length, outputs);
      if (scratch.length < needed) scratch = new Float64Array(needed);
      const at = (head.logits + b * ld) / 4;
      f32[head.losses / 4 + b] = ctcStream(f32, at, stride, valid, outputs, labels, scale, scratch);
      for (let t = valid; t < steps; t++) f32.fill(0, at + t * stride, at + t * stride + ld / 4);
    }
  };
}

/** Nats of a whole batch, in the order of its rows. */
export function sumLosses(
  f32: Float32Array,
  { loss, losses }: Head,
  { steps, batch }: Pick<Order, 'steps' | 'batch'>,
): number {
  const rows = loss.kind === 'steps' ? steps * batch : batch;
  let sum = 0;
  for (let row = 0; row < rows; row++) sum += f32[losses / 4 + row]!;
  return sum;
}
