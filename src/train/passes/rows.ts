import { type Range, shareOf } from '../../engine/share.js';
import type { Link } from '../plan/link.js';
import type { Order } from '../plan/order.js';
import type { RowCopy } from '../plan/program.js';
import { type Pass, type RowPass, rowsOf, type Seat } from './seat.js';

/** This worker's rows of a batch. */
export function rowShare({ k, n }: Seat, { steps, batch }: Order): Range {
  return shareOf(steps * batch, k, n);
}

/** A layer that shares out all rows. Both ways begin and end where workers meet. */
export function shareRows({ begin, forward, gradients, ...pass }: RowPass, seat: Seat): Pass {
  return {
    ...pass,
    forward(order, meet) {
      begin?.(order);
      if (begin !== undefined && forward !== undefined) meet();
      forward?.(order, rowShare(seat, order));
    },
    backward(order, meet) {
      pass.backward(order, rowShare(seat, order));
      if (pass.leaves === true) meet();
      gradients?.(order);
    },
  };
}

/** Copies of some rows, one after the other. */
export function copyRows(
  { kernels }: Seat,
  copies: readonly RowCopy[],
  { batch }: Order,
  { from, to }: Range,
): void {
  const { copy_f32, add_rows_f32, clear_rows_f32 } = kernels;
  const rowOf = (link: Link) => rowsOf(link, batch) + from * link.ld;
  for (const { from: x, to: y, width, how } of copies) {
    if (how === 'zero') clear_rows_f32(rowOf(y), y.ld, to - from, width);
    else (how === 'copy' ? copy_f32 : add_rows_f32)(rowOf(y), y.ld, rowOf(x), x.ld, to - from, width);
  }
}

/** Zeroes what stands behind the columns of some rows. @param y address of the batch's first row */
export function clearPadding(
  { kernels }: Seat,
  y: number,
  ld: number,
  width: number,
  { from, to }: Range,
): void {
  const beside = ld / 4 - width;
  if (beside > 0) kernels.clear_rows_f32(y + from * ld + width * 4, ld, to - from, beside);
}

/**
 * Zeroes what stands in some rows behind their columns, and all of those that lie past their stream's length: what an
 * operation makes of zeros may be no number, and would come through a product with a slope of 0.
 * @param y address of the batch's first row
 */
export function clearBeside(
  seat: Seat,
  y: number,
  ld: number,
  width: number,
  order: Order,
  rows: Range,
): void {
  clearPadding(seat, y, ld, width, rows);
  clearEnded(seat, y, ld, order, rows);
}

/** Zeroes those of some rows that lie past their stream's length. */
export function clearEnded(
  { kernels, program, i32 }: Seat,
  y: number,
  ld: number,
  order: Order,
  { from, to }: Range,
): void {
  if (!order.ragged) return;
  const { batch } = order;
  for (let row = from; row < to; row++) {
    const length = i32[program.lengths / 4 + (row % batch)]!;
    if (Math.floor(row / batch) >= length) kernels.zero_f32(y + row * ld, ld / 4);
  }
}
