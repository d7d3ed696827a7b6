import { skipOf } from '../cell/parameters';
import { sigmoid } from '../math/gates';
import { ONE } from '../math/table';
import { storeLanes, storePadded } from '../simd/lanes';
import { madd } from '../simd/madd';

/**
 * The recurrence of an SRU (Lei et al. 2018, equations 1 to 4), which leaves its gates behind:
 *
 *   f = σ(z_f + v_f before)   r = σ(z_r + v_r before)        c = f before + (1 − f) w        y = r c + (1 − r) x'
 *
 * y, c: [units] written · before: [units] the cell state before, not c · z: [⌈units/4⌉][gates][4]: w f r, and with 4 gates
 * x'; f and r are replaced by the gates · v: the same shape, at f and r · x: [units] the layer's input, read with 3 gates:
 * then x' is x times the layer's scale · table: the layer's own constants and parameters
 */
// @ts-ignore: decorator
@inline
export function sruTapeCell(
  y: usize, c: usize, before: usize, z: usize, v: usize, x: usize, table: usize, units: usize, gates: usize,
): void {
  const scale = skipOf(table);
  for (let u: usize = 0; u < units << 2; u += 16) {
    const left = units - (u >> 2);
    const at = z + u * gates;
    const hole = v + u * gates;
    const old = v128.load(before + u);
    const fresh = v128.load(at);
    const forget = sigmoid(madd(v128.load(hole, 16), old, v128.load(at, 16)), table);
    const reset = sigmoid(madd(v128.load(hole, 32), old, v128.load(at, 32)), table);
    const past = gates == 4 ? v128.load(at, 48) : f32x4.mul(scale, v128.load(x + u));
    const cell = madd(forget, f32x4.sub(old, fresh), fresh);
    v128.store(at, forget, 16);
    v128.store(at, reset, 32);
    storeLanes(c + u, cell, left);
    storeLanes(y + u, madd(reset, f32x4.sub(cell, past), past), left);
  }
}

/**
 * The derivative of the same. With e = dc + dy r:
 *
 *   dw = e (1 − f)   dz_f = e (before − w) f (1 − f)   dz_r = dy (c − x') r (1 − r)   dx' = dy (1 − r)
 *   dc' = e f + dz_f v_f + dz_r v_r
 *
 * z: what is above, replaced by dz · dc: [⌈units/4⌉·4] from the step after, replaced · dy, c, before, x: [units], read a
 * vector at a time; what lies past them changes nothing · dx: [units] written with 3 gates: scale · dx'
 */
// @ts-ignore: decorator
@inline
export function sruBackCell(
  z: usize, v: usize, dc: usize, dy: usize, c: usize, before: usize, x: usize, dx: usize, table: usize, units: usize, gates: usize,
): void {
  const one = v128.load(table, ONE);
  const scale = skipOf(table);
  for (let u: usize = 0; u < units << 2; u += 16) {
    const left = units - (u >> 2);
    const at = z + u * gates;
    const hole = v + u * gates;
    const fresh = v128.load(at);
    const forget = v128.load(at, 16);
    const reset = v128.load(at, 32);
    const past = gates == 4 ? v128.load(at, 48) : f32x4.mul(scale, v128.load(x + u));
    const d = v128.load(dy + u);
    const e = madd(d, reset, v128.load(dc + u));
    const kept = f32x4.mul(e, forget);
    const shut = f32x4.sub(one, forget);
    const passed = f32x4.mul(d, f32x4.sub(one, reset));
    const df = f32x4.mul(f32x4.mul(kept, f32x4.sub(v128.load(before + u), fresh)), shut);
    const dr = f32x4.mul(f32x4.mul(passed, f32x4.sub(v128.load(c + u), past)), reset);
    storePadded(at, f32x4.mul(e, shut), left);
    storePadded(at + 16, df, left);
    storePadded(at + 32, dr, left);
    if (gates == 4) storePadded(at + 48, passed, left);
    else storeLanes(dx + u, f32x4.mul(scale, passed), left);
    v128.store(dc + u, madd(dr, v128.load(hole, 32), madd(df, v128.load(hole, 16), kept)));
  }
}
