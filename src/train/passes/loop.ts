import { type Range, shareOf } from '../../engine/share.js';
import type { Order } from '../plan/order.js';
import type { EmbeddingTape, Loop, Route, TrainOp } from '../plan/program.js';
import type { RaggedTape, RecurrentTape } from '../plan/recurrent-tape.js';
import { bindBlocks } from './blocks.js';
import { bindActivation, bindLinear, type Slopes } from './dense.js';
import { bindConv, bindDelay } from './past.js';
import { bindCombine, bindFunction, bindNorm, bindScale, bindShuffle } from './pointwise.js';
import { clearEnded, copyRows } from './rows.js';
import { type Pass, type RowPass, rowsOf, type Seat } from './seat.js';

/** Operations that go over any rows of a batch. */
type RowOp = Exclude<TrainOp, RecurrentTape | RaggedTape | EmbeddingTape>;

/** The two ways of one of them. */
export function bindRows(op: RowOp, seat: Seat, { dy, dx }: Route): RowPass {
  const slopes: Slopes = { dy, dx: dx[0]! };
  switch (op.op) {
    case 'linear':
      return bindLinear(op, seat, slopes);
    case 'activation':
      return bindActivation(op, seat, slopes);
    case 'function':
      return bindFunction(op, seat, slopes);
    case 'blocks':
      return bindBlocks(op, seat, slopes);
    case 'combine':
      return bindCombine(op, seat, dy, dx);
    case 'scale':
      return bindScale(op, seat, slopes);
    case 'shuffle':
      return bindShuffle(op, seat, slopes);
    case 'norm':
      return bindNorm(op, seat, slopes);
    case 'conv':
      return bindConv(op, seat, slopes);
    case 'delay':
      return bindDelay(op, seat, slopes);
  }
}

/**
 * Operations that come back to themselves through delays. A worker has some streams and takes them through all steps
 * alone, there and back: no row reads another stream's. Gradients of parameters, for which all rows are wanted, come
 * behind the last step, each in one piece and shared out.
 */
export function bindLoop({ from, to }: Loop, seat: Seat): Pass {
  const { program, k, n } = seat;
  const members = program.ops.slice(from, to).map((op, index) => {
    const route = program.routes[from + index]!;
    return { op, route, pass: bindRows(op as RowOp, seat, route) };
  });
  const backwards = members.toReversed();
  const rows: Range = { from: 0, to: 0 };
  /** Rows of this worker's streams in one step; whether there are any. */
  const moveTo = (t: number, { batch }: Order) => {
    const streams = shareOf(batch, k, n);
    rows.from = t * batch + streams.from;
    rows.to = t * batch + streams.to;
    return rows.from < rows.to;
  };
  return {
    forward(order, meet) {
      for (const { pass } of members) pass.begin?.(order);
      meet();
      for (let t = 0; t < order.steps && moveTo(t, order); t++) {
        for (const { op, route, pass } of members) {
          copyRows(seat, route.gather, order, rows);
          pass.forward?.(order, rows);
          // Past its end a stream comes back as zeros: what it would grow to may be no number.
          if (op.op === 'delay') clearEnded(seat, rowsOf(op.input, order.batch), op.input.ld, order, rows);
        }
      }
    },
    backward(order, meet) {
      for (let t = order.steps - 1; t >= 0 && moveTo(t, order); t--) {
        for (const { route, pass } of backwards) {
          pass.backward(order, rows);
          copyRows(seat, route.spread, order, rows);
        }
      }
      meet();
      for (const { pass } of members) pass.gradients?.(order);
    },
    keep(order, which) {
      for (const { pass } of members) pass.keep?.(order, which);
    },
  };
}
