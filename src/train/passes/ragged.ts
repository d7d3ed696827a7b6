import type { RaggedTape } from '../plan/recurrent-tape.js';
import type { Slopes } from './dense.js';
import { bindRecurrent } from './recurrent.js';
import type { Pass, Seat } from './seat.js';

/**
 * A recurrent layer whose blocks differ in size: one run of them after the other, each of which adds to dx.
 * @param layer its number
 */
export function bindRagged({ out, runs }: RaggedTape, seat: Seat, { dy, dx }: Slopes, layer: number): Pass {
  const passes = runs.map((run, k) => {
    const own = { dy: dy + run.out.y - out.y, dx };
    return bindRecurrent(run, seat, own, layer, k > 0);
  });
  return {
    forward(order, meet) {
      for (const pass of passes) pass.forward(order, meet);
    },
    backward(order, meet) {
      for (const pass of passes) pass.backward(order, meet);
    },
    keep(order, which) {
      for (const pass of passes) pass.keep!(order, which);
    },
  };
}
