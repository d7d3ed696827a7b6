import { keep, zoneoutOf } from '../cell/parameters';
import { storeLanes } from '../simd/lanes';

/**
 * Zoneout of h (Krueger et al. 2017) as a run takes it, in the mean: y = z h + (1 − z) y, behind the rest of a step.
 *
 * y: [units] what the cell gives, written · h: [units] the state before, not y · table: the layer's own constants and
 * parameters
 */
export function zoneout(y: usize, h: usize, table: usize, units: usize): void {
  const rate = zoneoutOf(table);
  if (rate == 0) return;
  for (let u: usize = 0; u < units; u += 4) {
    const at = u << 2;
    storeLanes(y + at, keep(rate, v128.load(h + at), v128.load(y + at)), units - u);
  }
}
