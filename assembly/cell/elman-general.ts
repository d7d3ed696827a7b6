import { storeLanes } from '../simd/lanes';
import { gate } from './parameters';

/**
 * The pointwise half of an Elman cell with any function f and a limit: h' = f(⌊z⌉), ⌊x⌉ for x limited to ±clip.
 * y, z: [units] · table: the layer's own constants and parameters.
 */
export function elman_general_cell_f32(y: usize, z: usize, table: usize, units: usize): void {
  for (let i: usize = 0; i < units; i += 4) storeLanes(y + (i << 2), gate(v128.load(z + (i << 2)), table), units - i);
}
