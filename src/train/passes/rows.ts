import { type Range, shareOf } from '../../engine/share.js';
import type { Link } from '../plan/link.js';
import type { Order } from '../plan/order.js';
import type { RowCopy } from '../plan/program.js';
import { rowsOf, type Seat } from './seat.js';

/** This worker's rows of a batch. */
export function rowShare({ k, n }: Seat, { steps, batch }: Order): Range {
  return shareOf(steps * batch, k, n);
}

/** Copies, one after the other, of this worker's rows. */
export function copyRows(seat: Seat, copies: readonly RowCopy[], order: Order): void {
  const { copy_f32, add_rows_f32, clear_rows_f32 } = seat.kernels;
  const { from, to } = rowShare(seat, order);
  const rowOf = (link: Link) => rowsOf(link, order.batch) + from * link.ld;
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
 * Zeroes what stands in this worker's rows behind their columns, and all of those that lie past their stream's length:
 * what an operation makes of zeros may be no number, and would come through a product with a slope of 0.
 * @param y address of the batch's first row
 */
export function clearBeside(seat: Seat, y: number, ld: number, width: number, order: Order): void {
  const { kernels, program, i32 } = seat;
  const { from, to } = rowShare(seat, order);
  clearPadding(seat, y, ld, width, { from, to });
  if (!order.ragged) return;
  const { batch } = order;
  for (let row = from; row < to; row++) {
    const length = i32[program.lengths / 4 + (row % batch)]!;
    if (Math.floor(row / batch) >= length) kernels.zero_f32(y + row * ld, ld / 4);
  }
}
