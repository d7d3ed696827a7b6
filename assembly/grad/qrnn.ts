import { sigmoid, tanh } from '../math/gates';
import { ONE } from '../math/table';
import { storeLanes, storePadded } from '../simd/lanes';
import { madd } from '../simd/madd';

/**
 * The recurrence of a QRNN (Bradbury et al. 2017, fo-pooling), which leaves its gates behind:
 *
 *   w = tanh(z_w)   f = σ(z_f)   o = σ(z_o)        c = f before + (1 − f) w        y = o c
 *
 * y, c: [units] written · before: [units] the cell state before, not c · z: [⌈units/4⌉][w f o][4] pre-activations, replaced
 * by the gates · table: the constants
 */
// @ts-ignore: decorator
@inline
export function qrnnTapeCell(y: usize, c: usize, before: usize, z: usize, table: usize, units: usize): void {
  for (let u: usize = 0; u < units << 2; u += 16) {
    const left = units - (u >> 2);
    const at = z + u * 3;
    const fresh = tanh(v128.load(at), table);
    const forget = sigmoid(v128.load(at, 16), table);
    const output = sigmoid(v128.load(at, 32), table);
    const cell = madd(forget, f32x4.sub(v128.load(before + u), fresh), fresh);
    v128.store(at, fresh);
    v128.store(at, forget, 16);
    v128.store(at, output, 32);
    storeLanes(c + u, cell, left);
    storeLanes(y + u, f32x4.mul(output, cell), left);
  }
}

/**
 * The derivative of the same. With e = dc + dy o:
 *
 *   dz_w = e (1 − f) (1 − w²)   dz_f = e (before − w) f (1 − f)   dz_o = dy c o (1 − o)        dc' = e f
 *
 * z: gates, replaced by dz · dc: [⌈units/4⌉·4] from the step after, replaced · dy, c, before: [units], read a vector at a
 * time; what lies past them changes nothing · table: the constants
 */
// @ts-ignore: decorator
@inline
export function qrnnBackCell(z: usize, dc: usize, dy: usize, c: usize, before: usize, table: usize, units: usize): void {
  const one = v128.load(table, ONE);
  for (let u: usize = 0; u < units << 2; u += 16) {
    const left = units - (u >> 2);
    const at = z + u * 3;
    const fresh = v128.load(at);
    const forget = v128.load(at, 16);
    const output = v128.load(at, 32);
    const through = f32x4.mul(v128.load(dy + u), output);
    const e = f32x4.add(v128.load(dc + u), through);
    const kept = f32x4.mul(e, forget);
    const shut = f32x4.sub(one, forget);
    storePadded(at, f32x4.mul(f32x4.mul(e, shut), f32x4.sub(one, f32x4.mul(fresh, fresh))), left);
    storePadded(at + 16, f32x4.mul(f32x4.mul(kept, f32x4.sub(v128.load(before + u), fresh)), shut), left);
    storePadded(at + 32, f32x4.mul(f32x4.mul(through, v128.load(c + u)), f32x4.sub(one, output)), left);
    v128.store(dc + u, kept);
  }
}
