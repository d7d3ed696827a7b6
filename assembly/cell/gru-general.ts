import { ONE } from '../math/table';
import { storeLanes } from '../simd/lanes';
import { madd } from '../simd/madd';
import { candidate, gate } from './parameters';

/** h' = (1 − u) n + u h */
// @ts-ignore: decorator
@inline
function blend(u: v128, n: v128, h: v128, table: usize): v128 {
  return madd(u, h, f32x4.mul(f32x4.sub(v128.load(table, ONE), u), n));
}

/**
 * The pointwise half of a GRU that resets after the product, with functions f and g and a limit (⌊x⌉ for x limited to
 * ±clip): r = f(⌊xr + hr⌉), u = f(⌊xz + hz⌉), n = g(⌊xn + r hn⌉), h' = (1 − u) n + u h.
 *
 * y: [units] written · h: [units] the state before; may be y
 * z: [⌈units/4⌉][r z n][4] input half with bias_ih · s: the same shape, recurrent half with bias_hh
 * table: the layer's own constants and parameters
 */
export function gru_after_general_cell_f32(y: usize, h: usize, z: usize, s: usize, table: usize, units: usize): void {
  for (let i: usize = 0; i < units; i += 4) {
    const reset = gate(f32x4.add(v128.load(z), v128.load(s)), table);
    const update = gate(f32x4.add(v128.load(z, 16), v128.load(s, 16)), table);
    const fresh = candidate(madd(reset, v128.load(s, 32), v128.load(z, 32)), table);
    storeLanes(y, blend(update, fresh, v128.load(h), table), units - i);
    y += 16;
    h += 16;
    z += 48;
    s += 48;
  }
}

/**
 * First pointwise third of a GRU that resets before the product, with a function f and a limit: q = f(⌊r⌉) h.
 *
 * q: [units] written, padding lanes included · h: [units] · z: [⌈units/4⌉][r z][4]
 * table: the layer's own constants and parameters
 */
export function gru_before_general_reset_f32(q: usize, h: usize, z: usize, table: usize, units: usize): void {
  for (let i: usize = 0; i < units; i += 4) {
    v128.store(q, f32x4.mul(gate(v128.load(z), table), v128.load(h)));
    q += 16;
    h += 16;
    z += 32;
  }
}

/**
 * Last pointwise third of the same: h' = (1 − f(⌊z⌉)) g(⌊n⌉) + f(⌊z⌉) h.
 *
 * y: [units] written · h: [units]; may be y · z: [⌈units/4⌉][r z][4] · n: [units] candidate before g
 * table: the layer's own constants and parameters
 */
export function gru_before_general_cell_f32(y: usize, h: usize, z: usize, n: usize, table: usize, units: usize): void {
  for (let i: usize = 0; i < units; i += 4) {
    const fresh = candidate(v128.load(n), table);
    storeLanes(y, blend(gate(v128.load(z, 16), table), fresh, v128.load(h), table), units - i);
    y += 16;
    h += 16;
    z += 32;
    n += 16;
  }
}
