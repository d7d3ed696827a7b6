import { seededRandom } from '#dist/base/random.js';
import type { Draw } from './check.js';

/** The same choices for the same seed. */
export function drawFrom(seed: number): Draw {
  const random = seededRandom(seed);
  const integer = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  return {
    values: (count, scale = 1) => Float32Array.from({ length: count }, () => (2 * random() - 1) * scale),
    integer,
    pick: (choices) => choices[integer(0, choices.length - 1)]!,
  };
}
