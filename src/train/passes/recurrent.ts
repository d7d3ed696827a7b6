import { type Range, shareOf } from '../../engine/share.js';
import { panelRows } from '../../pack/rows.js';
import type { Order } from '../plan/order.js';
import type { TrainProgram } from '../plan/program.js';
import { byIdOf, type RecurrentTape, shapeOf } from '../plan/recurrent-tape.js';
import { projectIds } from './by-id.js';
import type { Slopes } from './dense.js';
import { bindInputBlocks } from './input-blocks.js';
import { addGradients, descend } from './recurrent-gradients.js';
import { bindState } from './recurrent-state.js';
import { type Pass, rowsOf, type Seat } from './seat.js';
import { bindZone } from './zoneout.js';

/**
 * A recurrent layer. Forward and back through time a worker has whole parts where there are enough of them, else, and where
 * all units meet, all parts of some streams: either way it runs all steps alone. Of the weights' gradients and of the
 * input's it has rows, so that nothing is ever added up over workers.
 * @param layer its number
 * @param adds whether dx has something that this one's is added to; with inputs in blocks it has not
 */
export function bindRecurrent(
  op: RecurrentTape,
  seat: Seat,
  { dy, dx }: Slopes,
  layer: number,
  adds = false,
): Pass {
  const { program, k, n } = seat;
  const { parts, meeting } = op;
  const byParts = meeting === undefined && parts >= n;
  const owned = byParts ? shareOf(parts, k, n) : { from: 0, to: parts };
  const streamsOf = (batch: number) => (byParts ? { from: 0, to: batch } : shareOf(batch, k, n));
  const lengthsOf = ({ ragged }: Order) => (ragged ? program.lengths : 0);
  const state = bindState(op, seat, owned);
  const bind: BindWays =
    meeting !== undefined ? bindMeeting : op.whh === undefined ? bindPointwise : bindHidden;
  const ways = bind(op, seat, owned, dy, layer);
  const blocked = op.blocked && bindInputBlocks(op, op.blocked, seat);

  return {
    forward(order, meet) {
      const { steps, batch, carry, stage } = order;
      const streams = streamsOf(batch);
      state.begin(carry ? (stage === 'evaluate' ? 1 : 0) : undefined, streams);
      const byId = byIdOf(op, steps * batch);
      const own = byParts ? owned : undefined;
      if (blocked !== undefined) blocked.project(order, own, meet);
      else if (byId === undefined) project(op, seat, order, own);
      else projectIds(op, byId, seat, order, own, meet);
      if (!byParts) meet();
      ways.forward(order, lengthsOf(order), streams);
    },

    backward(order, meet) {
      const { steps, batch } = order;
      ways.backward(order, lengthsOf(order), streamsOf(batch));
      meet();
      addGradients(op, seat, order);
      if (blocked !== undefined) return blocked.descend(order, dx, meet);
      if (dx === 0) return;
      if (byIdOf(op, steps * batch) !== undefined) meet();
      descend(op, seat, order, dx, adds);
    },

    keep(order, which) {
      state.keep(which, order, lengthsOf(order), streamsOf(order.batch));
    },
  };
}

/** The two ways of a recurrence, for the parts and streams that a worker has. */
interface Ways {
  forward(order: Order, lengths: number, streams: Range): void;
  backward(order: Order, lengths: number, streams: Range): void;
}

type BindWays = (op: RecurrentTape, seat: Seat, owned: Range, dy: number, layer: number) => Ways;

/** Of a cell whose h meets a matrix. */
function bindHidden(op: RecurrentTape, seat: Seat, owned: Range, dy: number, layer: number): Ways {
  const { kernels, program, k } = seat;
  const zoneOf = bindZone(op, seat, layer);
  const { cell, out, states, z, s, table, evaluation, whole, hidden, bhh } = op;
  const { ld } = out;
  const { dh, dc } = program.scratch[k]!;
  const [, c] = states;
  const [cAt, ldc] = c === undefined ? [0, 0] : [c.at, c.ld];
  const diagonal = op.diagonal ? 1 : 0;
  const forms = formsOf(op, program);
  const rows = bhh ?? op.meets?.param;
  const vector = rows === undefined ? 0 : program.weights + rows.at;
  return {
    forward(order, lengths, streams) {
      const { steps, batch, stage } = order;
      // biome-ignore format: one line an object: output, tape, weights, sizes, ranges
      kernels.recurrent_tape_f32(
        cell, out.y, ld, cAt, ldc,
        z, s,
        forms.forward, vector, stage === 'evaluate' ? evaluation : table,
        lengths, steps, batch, hidden, whole.units, diagonal,
        owned.from, owned.to, streams.from, streams.to, zoneOf(order),
      );
    },
    backward(order, lengths, streams) {
      const { steps, batch } = order;
      // biome-ignore format: as above
      kernels.recurrent_back_f32(
        cell, dy, ld, out.y, ld, cAt, ldc,
        z, s, dh, dc,
        forms.backward, vector, table,
        lengths, steps, batch, hidden, whole.units, diagonal,
        owned.from, owned.to, streams.from, streams.to, zoneOf(order),
      );
    },
  };
}

/** Where kernels find the weights that meet h, for either way; those of a diagonal recurrence as they lie. */
function formsOf({ whh }: RecurrentTape, { weights }: TrainProgram): { forward: number; backward: number } {
  if (whh !== undefined && 'forward' in whh) return whh;
  const at = weights + whh!.at;
  return { forward: at, backward: at };
}

/** Of a cell whose units all meet in each step. */
function bindMeeting(op: RecurrentTape, { kernels, program, k }: Seat, _: Range, dy: number): Ways {
  const { cell, out, states, z, s, table, whole, hidden } = op;
  const { vectors, sums } = op.meeting!;
  const { ld } = out;
  const { dh, dc, row } = program.scratch[k]!;
  const [, c] = states;
  const [cAt, ldc] = c === undefined ? [0, 0] : [c.at, c.ld];
  const diagonal = op.diagonal ? 1 : 0;
  const forms = formsOf(op, program);
  return {
    forward({ steps, batch }, lengths, streams) {
      // biome-ignore format: as above
      kernels.normed_tape_f32(
        cell, out.y, ld, cAt, ldc,
        z, s,
        forms.forward, vectors, table,
        lengths, steps, batch, hidden, whole.units, diagonal,
        streams.from, streams.to,
      );
    },
    backward({ steps, batch }, lengths, streams) {
      // biome-ignore format: as above
      kernels.normed_back_f32(
        cell, dy, ld, out.y, ld, cAt, ldc,
        z, s, dh, dc, row, sums,
        forms.backward, vectors, table,
        lengths, steps, batch, hidden, whole.units, diagonal,
        streams.from, streams.to,
      );
    },
  };
}

/** Of a cell that recurs unit by unit. */
function bindPointwise(op: RecurrentTape, { kernels, program, k }: Seat, owned: Range, dy: number): Ways {
  const { cell, input, out, states, z, table, whole, hidden, meets, skip } = op;
  const { at: c, ld: ldc } = states[1]!;
  const { dc } = program.scratch[k]!;
  const v = meets === undefined ? 0 : program.weights + meets.param.at;
  const { ld } = out;
  return {
    forward({ steps, batch }, lengths, streams) {
      // biome-ignore format: as above
      kernels.pointwise_tape_f32(
        cell, rowsOf(out, batch), ld, c, ldc,
        z, v, rowsOf(input, batch), input.ld, table,
        lengths, steps, batch, hidden, whole.units,
        owned.from, owned.to, streams.from, streams.to,
      );
    },
    backward({ steps, batch }, lengths, streams) {
      // biome-ignore format: as above
      kernels.pointwise_back_f32(
        cell, dy, ld, c, ldc,
        z, v, rowsOf(input, batch), input.ld, skip, ld, dc, table,
        lengths, steps, batch, hidden, whole.units,
        owned.from, owned.to, streams.from, streams.to,
      );
    },
  };
}

/** z = b + W_ih x: of some parts for all rows, or of all parts for this worker's share of the rows. */
function project(op: RecurrentTape, { kernels, k, n }: Seat, order: Order, owned: Range | undefined): void {
  const { input, inputs, parts, whole, wih, bias, z } = op;
  const rows = order.steps * order.batch;
  const range = owned ?? { from: 0, to: parts };
  const { from, to } = owned === undefined ? shareOf(rows, k, n) : { from: 0, to: rows };
  const x = rowsOf(input, order.batch) + from * input.ld;
  for (let part = range.from; part < range.to; part++) {
    const { rows: own } = shapeOf(op, part);
    const ldz = own * 4;
    const weights = wih.forward + part * whole.rows * inputs * 4;
    // biome-ignore format: pre-activations, biases, input, weights, sizes
    kernels.gemm_f32(
      z + part * rows * whole.rows * 4 + from * ldz, ldz,
      bias + part * whole.rows * 4, 0,
      x, input.ld, weights,
      to - from, inputs, own / panelRows,
    );
  }
}
