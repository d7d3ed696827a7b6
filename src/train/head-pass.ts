import { shareOf } from '../engine/share.js';
import { panelRows } from '../pack/rows.js';
import { ctcStream } from './ctc.js';
import { addGradient, descend } from './dense-pass.js';
import type { Order } from './order.js';
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
  const { input, inputs, outputs, ld, weight, bias, logits, loss, slice } = head;
  const biasAt = bias === undefined ? program.zeros : program.weights + bias.at;
  const panels = weight.param.rows / panelRows;
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
    kernels.pool_f32(head.pooled + column * 4, input.ld, y, input.ld, lengthsOf(order), order.steps, order.batch, width, isMean);
  };
  const unpool = (order: Order) => {
    if (width <= 0) return;
    const from = head.pooledSlope + column * 4;
    kernels.pool_back_f32(dy + column * 4, input.ld, from, input.ld, lengthsOf(order), order.steps, order.batch, width, isMean);
  };

  /** Losses of this worker's rows [from, to) of the slice that begins at row `first`. */
  const score = (order: Order, first: number, from: number, to: number) => {
    const { scale } = order;
    const at = logits + from * ld;
    if (loss.kind !== 'ctc') {
      const row = first + from;
      const { targets, losses, hits } = head;
      kernels.cross_entropy_f32(at, ld, targets + row * 4, losses + row * 4, hits + row * 4, program.constants, to - from, outputs, scale);
    }
  };

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
        const at = x + (first + from) * input.ld;
        kernels.gemm_f32(logits + from * ld, ld, biasAt, 0, at, input.ld, weight.forward, to - from, inputs, panels);
        if (loss.kind === 'ctc') {
          meet();
          scoreStreams(seat, order);
          meet();
        } else {
          score(order, first, from, to);
        }
        if (!learns) continue;
        if (descends) descend(seat, weight, outputs, slopes + first * input.ld, input.ld, logits, ld, from, to);
        if (loss.kind !== 'ctc') meet();
        addGradient(seat, weight.param, bias, { y: logits, ld, skip: 0 }, input, x + first * input.ld, count);
        // The logits are overwritten by the next slice.
        if (first + slice < rows) meet();
      }
      if (learns && isPooled && descends) {
        meet();
        unpool(order);
      }
    },
    backward() {},
  };
}

/** CTC of this worker's streams: their logits become gradients. */
function scoreStreams({ program, words, k, n }: Seat, { steps, batch, ragged, scale }: Order): void {
  const { head, lengths } = program;
  const { logits, ld, outputs } = head;
  const f32 = new Float32Array(words.buffer);
  const i32 = new Int32Array(words.buffer);
  const { from, to } = shareOf(batch, k, n);
  const { labels, offsets } = head.strings;
  const stride = (batch * ld) / 4;
  for (let b = from; b < to; b++) {
    const [begin, end] = [i32[offsets / 4 + b]!, i32[offsets / 4 + b + 1]!];
    const valid = ragged ? i32[lengths / 4 + b]! : steps;
    const string = i32.subarray(labels / 4 + begin, labels / 4 + end);
    const at = (logits + b * ld) / 4;
    f32[head.losses / 4 + b] = ctcStream(f32, at, stride, valid, outputs, string, scale, scratch(valid, string.length));
    for (let t = valid; t < steps; t++) f32.fill(0, at + t * stride, at + t * stride + ld / 4);
  }
}
