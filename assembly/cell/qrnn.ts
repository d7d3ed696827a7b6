import { sigmoid, tanh } from '../math/gates';
import { storeLanes } from '../simd/lanes';
import { madd } from '../simd/madd';

/**
 * The pointwise half of a QRNN (Bradbury et al. 2017, fo-pooling), which is all of its recurrence:
 * c' = σ(f) c + (1 − σ(f)) tanh(w), h = σ(o) c'.
 *
 * y, c: [units], c read and written, y written · z: [⌈units/4⌉][w f o][4] · table: the constants
 */
export function qrnn_cell_f32(y: usize, c: usize, z: usize, table: usize, units: usize): void {
  for (let u: usize = 0; u < units; u += 4) {
    const at = z + (u << 2) * 3;
    const fresh = tanh(v128.load(at), table);
    const before = v128.load(c + (u << 2));
    const cell = madd(sigmoid(v128.load(at, 16), table), f32x4.sub(before, fresh), fresh);
    storeLanes(c + (u << 2), cell, units - u);
    storeLanes(y + (u << 2), f32x4.mul(sigmoid(v128.load(at, 32), table), cell), units - u);
  }
}
