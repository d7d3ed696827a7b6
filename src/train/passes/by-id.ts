import type { Meet } from '../../engine/piece.js';
import { type Range, shareOf } from '../../engine/share.js';
import { panelRows } from '../../pack/rows.js';
import type { Order } from '../plan/order.js';
import { type ById, type RecurrentTape, shapeOf } from '../plan/recurrent-tape.js';
import type { Seat } from './seat.js';

/**
 * z = b + W_ih x by way of a table of every id's: of some parts for all rows, or of all parts for this worker's share of
 * the rows, once all have made their share of the table.
 */
export function projectIds(
  op: RecurrentTape,
  byId: ById,
  { kernels, program, k, n }: Seat,
  { steps, batch }: Order,
  owned: Range | undefined,
  meet: Meet,
): void {
  const { inputs, parts, whole, wih, bias, z } = op;
  const { table, ids, count } = byId;
  const rows = steps * batch;
  const range = owned ?? { from: 0, to: parts };
  const made = owned === undefined ? shareOf(count, k, n) : { from: 0, to: count };
  for (let part = range.from; part < range.to; part++) {
    const { at, ld } = halvesOf(op, byId, part);
    const x = program.weights + table.at + made.from * table.ld;
    // biome-ignore format: halves, biases, rows of the embedding, weights, sizes
    kernels.gemm_f32(
      at + made.from * ld, ld,
      bias + part * whole.rows * 4, 0,
      x, table.ld, wih.forward + part * whole.rows * inputs * 4,
      made.to - made.from, inputs, ld / 4 / panelRows,
    );
  }
  if (owned === undefined) meet();
  const looked = owned === undefined ? shareOf(rows, k, n) : { from: 0, to: rows };
  for (let part = range.from; part < range.to; part++) {
    const { at, ld } = halvesOf(op, byId, part);
    const to = z + part * rows * whole.rows * 4 + looked.from * ld;
    kernels.embedding_f32(to, ld, ids + looked.from * 4, at, ld, looked.to - looked.from, ld / 4);
  }
}

/** Where one part's rows of the table lie, and their stride. */
export function halvesOf(
  op: RecurrentTape,
  { halves, count }: ById,
  part: number,
): { at: number; ld: number } {
  return { at: halves + part * count * op.whole.rows * 4, ld: shapeOf(op, part).rows * 4 };
}
