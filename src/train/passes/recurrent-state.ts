import type { Range } from '../../engine/share.js';
import type { Order } from '../plan/order.js';
import type { RecurrentTape } from '../plan/recurrent-tape.js';
import type { Seat } from './seat.js';

/** How the state before step 0 comes to a layer's tape, and that after the last step to where it is kept. */
export interface StateKeeper {
  /** @param which what to go on from, training's (0) or evaluation's (1); undefined for zeros */
  begin(which: 0 | 1 | undefined, streams: Range): void;
  /** @param lengths address of the streams' lengths, or 0 */
  keep(which: 0 | 1, order: Order, lengths: number, streams: Range): void;
}

/** @param owned the parts whose units this worker copies */
export function bindState(
  { states, whole }: RecurrentTape,
  { kernels, program }: Seat,
  owned: Range,
): StateKeeper {
  const { keep_state_f32 } = kernels;
  const parts = states.map(({ at, ld, width, kept }) => {
    const first = Math.min(width, owned.from * whole.units);
    return { at, ld, kept, first: first * 4, width: Math.min(width, owned.to * whole.units) - first };
  });
  type Part = (typeof parts)[number];

  /** Rows of these streams from other rows, or from the one of zeros, to which the stride 0 leads again and again. */
  const copy = (
    { ld, first, width }: Part,
    to: number,
    from: number | undefined,
    { from: b0, to: b1 }: Range,
  ) => {
    if (width === 0) return;
    const source = from === undefined ? program.zeros : from + b0 * ld + first;
    keep_state_f32(to + b0 * ld + first, ld, source, from === undefined ? 0 : ld, 0, 0, 1, b1 - b0, width);
  };

  return {
    begin(which, streams) {
      for (const part of parts)
        copy(part, part.at, which === undefined ? undefined : part.kept[which], streams);
    },

    keep(which, { steps, batch, carry }, lengths, streams) {
      for (const part of parts) {
        const { at, ld, first, width, kept } = part;
        const to = kept[which];
        // A stream of no steps stays where it began, and that was zero.
        if (!carry) copy(part, to, undefined, streams);
        if (width === 0) continue;
        for (let b = streams.from; b < streams.to; b++) {
          // One stream at a time: its rows are a batch apart, and those of step 0 stand behind the state before it.
          const from = at + (batch + b) * ld + first;
          const length = lengths && lengths + b * 4;
          keep_state_f32(to + b * ld + first, 0, from, batch * ld, length, 0, steps, 1, width);
        }
      }
    },
  };
}
