import type { Meet } from '../../engine/piece.js';
import { type Range, shareOf } from '../../engine/share.js';
import { combineCodes } from '../../model/kinds.js';
import type { Order } from '../plan/order.js';
import { type RecurrentTape, shapeOf } from '../plan/recurrent-tape.js';
import type { InputBlocks } from '../plan/tapes.js';
import { bindProduct } from './blocks.js';
import { rowShare } from './rows.js';
import { rowsOf, type Seat } from './seat.js';

/** The input half of a recurrent layer whose units read blocks of inputs. */
export interface BlockedHalf {
  /** z = b + W_ih x: of some parts for all rows, or of all parts for this worker's share of the rows. */
  project(order: Order, owned: Range | undefined, meet: Meet): void;
  /** The gradients of W_ih and of x, once that of z is there. @param dx 0 where nobody asks */
  descend(order: Order, dx: number, meet: Meet): void;
}

export function bindInputBlocks(op: RecurrentTape, blocked: InputBlocks, seat: Seat): BlockedHalf {
  const { kernels, program, k, n } = seat;
  const { input, parts, whole, z, bias, skip } = op;
  const { out, slopes, order: indices } = blocked;
  const product = bindProduct(blocked, seat);

  /** Some rows of each part of some: where in z they are, their stride, and which outputs they are. */
  const eachPart = (
    rows: number,
    first: number,
    range: Range,
    use: (at: number, ldz: number, indices: number, part: number) => void,
  ) => {
    for (let part = range.from; part < range.to; part++) {
      const ldz = shapeOf(op, part).rows * 4;
      const at = z + part * rows * whole.rows * 4 + first * ldz;
      use(at, ldz, indices + part * whole.rows * 4, part);
    }
  };

  return {
    project(order, owned, meet) {
      const rows = order.steps * order.batch;
      const x = rowsOf(input, order.batch);
      product.forward(out.y, out.ld, x, input.ld, program.zeros, rowShare(seat, order));
      meet();
      const { from, to } = owned === undefined ? shareOf(rows, k, n) : { from: 0, to: rows };
      eachPart(rows, from, owned ?? { from: 0, to: parts }, (at, ldz, columns, part) => {
        const own = bias + part * whole.rows * 4;
        const width = ldz / 4;
        kernels.gather_f32(at, ldz, out.y + from * out.ld, out.ld, columns, to - from, width);
        kernels.combine_f32(at, ldz, at, ldz, own, 0, to - from, width, combineCodes.add);
      });
    },

    descend(order, dx, meet) {
      const rows = order.steps * order.batch;
      const { from, to } = rowShare(seat, order);
      eachPart(rows, from, { from: 0, to: parts }, (at, ldz, columns) =>
        kernels.scatter_f32(slopes + from * out.ld, out.ld, at, ldz, columns, to - from, ldz / 4),
      );
      meet();
      product.addGradient(slopes, out.ld, rowsOf(input, order.batch), input.ld, rows, undefined);
      if (dx === 0) return;
      product.descend(dx, input.ld, slopes, out.ld, { from, to });
      if (skip === 0) return;
      const ld = op.out.ld;
      kernels.add_rows_f32(dx + from * input.ld, input.ld, skip + from * ld, ld, to - from, ld / 4);
    },
  };
}
