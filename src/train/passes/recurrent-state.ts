import type { Range } from '../../engine/share.js';
import type { Order } from '../plan/order.js';
import type { RecurrentTape } from '../plan/program.js';
import type { Seat } from './seat.js';

/** A state that is kept from one batch to the next: addresses of [B] rows; c is 0 for cells without. */
type Kept = RecurrentTape['kept'][number];

/** How the state before step 0 comes to a layer's tape, and that after the last step to where it is kept. */
export interface StateKeeper {
  /** @param kept what to go on from; undefined for zeros */
  begin(kept: Kept | undefined, streams: Range): void;
  /** @param lengths address of the streams' lengths, or 0 */
  keep(kept: Kept, order: Order, lengths: number, streams: Range): void;
}

/** @param owned the parts whose units this worker copies */
export function bindState(
  { out, c, whole, outputs }: RecurrentTape,
  { kernels, program }: Seat,
  owned: Range,
): StateKeeper {
  const { ld } = out;
  const first = owned.from * whole.units * 4;
  const width = Math.min(outputs, owned.to * whole.units) - owned.from * whole.units;
  const { keep_state_f32 } = kernels;

  /** Rows of these streams from other rows, or from the one of zeros, to which the stride 0 leads again and again. */
  const copy = (to: number, from: number | undefined, { from: b0, to: b1 }: Range) => {
    if (to === 0 || width <= 0) return;
    const source = from === undefined ? program.zeros : from + b0 * ld + first;
    keep_state_f32(to + b0 * ld + first, ld, source, from === undefined ? 0 : ld, 0, 0, 1, b1 - b0, width);
  };

  return {
    begin(kept, streams) {
      copy(out.y, kept?.h, streams);
      copy(c, kept?.c, streams);
    },

    keep(kept, { steps, batch, carry }, lengths, streams) {
      if (width <= 0) return;
      if (!carry) {
        // A stream of no steps stays where it began, and that was zero.
        copy(kept.h, undefined, streams);
        copy(kept.c, undefined, streams);
      }
      for (const [to, from] of [
        [kept.h, out.y],
        [kept.c, c],
      ] as const) {
        if (to === 0) continue;
        for (let b = streams.from; b < streams.to; b++) {
          // One stream at a time: its rows are a batch apart, and those of step 0 stand behind the state before it.
          const y = from + (batch + b) * ld + first;
          keep_state_f32(
            to + b * ld + first,
            0,
            y,
            batch * ld,
            lengths && lengths + b * 4,
            0,
            steps,
            1,
            width,
          );
        }
      }
    },
  };
}
