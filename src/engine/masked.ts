import { addressOf, advanceOf, type RecurrentOp } from '../pack/program.js';
import { Mask } from './mask.js';
import type { Piece, Runner, Seat } from './piece.js';
import type { Range } from './share.js';

/** Some of the steps of a piece, from one on: of parts, or of the state and output of units. */
export type Stretch = (piece: Piece, step: number, steps: number, from: number, to: number) => void;

/**
 * Runs whole parts under a mask. Parts that do the same go together, and steps in which they do the same go in one call,
 * so that what is skipped costs a copy of its state, and what is not goes as fast as without a mask.
 * @param advance runs parts, whose last outputs are not yet their state
 * @param keep makes the last outputs of units their state
 */
export function bindMasked(
  op: RecurrentOp,
  seat: Seat,
  { from, to }: Range,
  advance: Stretch,
  keep: Stretch,
): Runner {
  const { units, hidden } = op;
  const mask = new Mask(op, seat);
  const hold = bindHold(op, seat);
  const advanceSome = op.diagonal ? bindSome(op, seat, mask, advance, keep, hold) : advance;
  const endOf = (part: number) => (op.projection ? op.outputs : Math.min(hidden, part * units));
  return (piece) => {
    const { steps } = piece;
    mask.begin(piece);
    for (let n = from; n < to; ) {
      let end = n + 1;
      while (end < to && mask.agree(n, end, steps)) end++;
      for (let t = 0; t < steps; ) {
        const until = mask.endOf(t, n, steps);
        const update = mask.of(t, n);
        if (update === 'all') {
          advance(piece, t, until - t, n, end);
          keep(piece, t, until - t, n * units, endOf(end));
        } else if (update === 'none') {
          hold(piece, t, until - t, n * units, endOf(end));
        } else {
          advanceSome(piece, t, 1, n, end);
        }
        t = until;
      }
      n = end;
    }
  };
}

/** Units whose outputs are their states again. */
function bindHold(op: RecurrentOp, { kernels, frame }: Seat): Stretch {
  const { hold_f32 } = kernels;
  const { at, ld } = frame.states[op.state]!;
  const h = at[0]!;
  const y = addressOf(frame, op.y);
  const { ld: ldy } = op.y;
  const next = advanceOf(op.y);
  return ({ batch, row, t0, ragged }, step, steps, from, to) => {
    const lengths = ragged ? frame.lengths : 0;
    const out = y + row * next + step * batch * ldy + from * 4;
    hold_f32(out, ldy, h + from * 4, ld, lengths, t0 + step, steps, batch, to - from);
  };
}

/**
 * One step of a part of which some units update: all of it goes, and those that are skipped get back what they had. h is
 * only written when it is told to be; the other states are laid aside, behind the pre-activations of the step, where
 * cells that have them need no room.
 */
function bindSome(
  { state, rows, units, hidden }: RecurrentOp,
  { kernels, frame, k }: Seat,
  mask: Mask,
  advance: Stretch,
  keep: Stretch,
  hold: Stretch,
): Stretch {
  const { keep_state_f32 } = kernels;
  const { at, ld } = frame.states[state]!;
  const others = at.slice(1);
  const z = frame.scratch[k]!;
  const ldz = units * 4;
  return (piece, step, _, part) => {
    const { batch } = piece;
    const first = part * units;
    const end = Math.min(hidden, first + units);
    const aside = z + batch * rows * 4;
    for (let i = 0; i < others.length; i++) {
      const to = aside + i * batch * ldz;
      keep_state_f32(to, ldz, others[i]! + first * 4, ld, 0, 0, 1, batch, end - first);
    }
    advance(piece, step, 1, part, part + 1);
    for (let unit = first; unit < end; ) {
      const updates = mask.updates(step, unit);
      let until = unit + 1;
      while (until < end && mask.updates(step, until) === updates) until++;
      if (updates) {
        keep(piece, step, 1, unit, until);
      } else {
        hold(piece, step, 1, unit, until);
        for (let i = 0; i < others.length; i++) {
          const from = aside + i * batch * ldz + (unit - first) * 4;
          keep_state_f32(others[i]! + unit * 4, ld, from, ldz, 0, 0, 1, batch, until - unit);
        }
      }
      unit = until;
    }
  };
}
