import type { Order } from '../plan/order.js';
import type { RecurrentTape } from '../plan/recurrent-tape.js';
import type { Seat } from './seat.js';
import { seedOf } from './seeds.js';

/**
 * Writes what a layer draws in a step where this worker's kernels read it; 0 where it draws nothing, as in evaluation.
 * @param layer its number, of which the seeds are made
 */
export function bindZone(
  { zone }: RecurrentTape,
  { program, i32, k }: Seat,
  layer: number,
): (order: Order) => number {
  if (zone === undefined) return () => 0;
  const { held, zone: at } = program.scratch[k]!;
  const words = i32.subarray(at / 4);
  return ({ stage, seed }) => {
    if (stage === 'evaluate') return 0;
    writeLot(words, 0, zone.h, seedOf(seed, layer, 'zoneout'));
    writeLot(words, 3, zone.c, seedOf(seed, layer, 'zoneoutCell'));
    words[6] = zone.made;
    words[7] = held;
    words[8] = program.zeros;
    words[9] = zone.unit;
    return at;
  };
}

/** Of 2^32 hashes so many keep: rounded up, so that a rate above 0 has a largest one, and 1 has them all. */
function writeLot(words: Int32Array, index: number, rate: number, seed: number): void {
  words[index] = rate > 0 ? 1 : 0;
  words[index + 1] = seed;
  words[index + 2] = Math.ceil(rate * 2 ** 32) - 1;
}
