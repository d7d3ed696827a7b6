import { sigmoid } from '../math/gates';
import { storeLanes } from '../simd/lanes';
import { madd } from '../simd/madd';
import { skipOf } from './parameters';

/**
 * The pointwise half of an SRU (Lei et al. 2018, equations 1 to 4), which is all of its recurrence:
 *
 *   f = σ(zf + vf c)     r = σ(zr + vr c)     c' = f c + (1 − f) w     h = r c' + (1 − r) x'
 *
 * y, c: [units], c read and written, y written · z: [⌈units/4⌉][gates][4]: w f r, and with 4 gates x'
 * v: the same shape, at f and r · x: [units] the layer's input; with 3 gates x' is x times the layer's scale
 * table: the layer's own constants and parameters
 */
export function sru_cell_f32(y: usize, c: usize, z: usize, v: usize, x: usize, table: usize, units: usize, gates: usize): void {
  const scale = skipOf(table);
  for (let u: usize = 0; u < units; u += 4) {
    const at = z + (u << 2) * gates;
    const hole = v + (u << 2) * gates;
    const before = v128.load(c + (u << 2));
    const fresh = v128.load(at);
    const forget = sigmoid(madd(v128.load(hole, 16), before, v128.load(at, 16)), table);
    const reset = sigmoid(madd(v128.load(hole, 32), before, v128.load(at, 32)), table);
    const past = gates == 4 ? v128.load(at, 48) : f32x4.mul(scale, v128.load(x + (u << 2)));
    const cell = madd(forget, f32x4.sub(before, fresh), fresh);
    storeLanes(c + (u << 2), cell, units - u);
    storeLanes(y + (u << 2), madd(reset, f32x4.sub(cell, past), past), units - u);
  }
}
