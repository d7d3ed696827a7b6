import { loadLanes } from '../simd/lanes';
import { madd } from '../simd/madd';
import { recur } from './recur';
import { groupsOf, rowsOf } from './shape';

/**
 * What the layers with layer normalisation have in common (Ba et al. 2016): n(v) = (v − mean) / √(variance + epsilon),
 * over all rows of a layer. Its rows lie block after block, each as shape.ts draws a part, and its weights, too:
 *
 *   rows [blocks][rows of a block] · whh [blocks] panels [rows of a block/8][D][8], or when diagonal one block, [rows]
 *
 * Correct first: a mean is taken by everybody who needs it, and blocks are computed one after the other. On a tape all rows
 * of a block stand together, so that those of one step's blocks are further apart: `apart` says how many bytes.
 */

/** Of the rows from `at` on the address of unit u's, for blocks of so many units. */
// @ts-ignore: decorator
@inline
export function rowsAt(at: usize, u: usize, block: usize, gates: usize, apart: usize): usize {
  return at + (u / block) * apart + ((groupsOf(u % block) * gates * 4) << 2);
}

/** Bytes of the rows of a block, the least that blocks are apart. */
// @ts-ignore: decorator
@inline
export function blockBytes(block: usize, gates: usize): usize {
  return rowsOf(block, gates) << 2;
}

/** Bytes of the rows of all units, of which `block` read each other. */
// @ts-ignore: decorator
@inline
export function rowBytes(units: usize, block: usize, gates: usize): usize {
  return ((units / block) * rowsOf(block, gates)) << 2;
}

/** Where the block of unit u ends, or the range [.., u1) does. */
// @ts-ignore: decorator
@inline
export function endOf(u: usize, u1: usize, block: usize): usize {
  return min(u1, (u / block + 1) * block);
}

/**
 * s = W_hh h of units [u0, u1), for each stream.
 *
 * s: [B][rows], ldz bytes from stream to stream · zeros: [rows] of a block · h: [B, units], ldh bytes apart · u0, u1: within
 * a block multiples of 8 or its end
 */
export function recurBlocks(
  s: usize, ldz: usize, apart: usize, zeros: usize, h: usize, ldh: usize, whh: usize, batch: usize, block: usize, diagonal: bool,
  u0: usize, u1: usize, gates: usize,
): void {
  const depth = diagonal ? 1 : block;
  for (let u = u0; u < u1; u = endOf(u, u1, block)) {
    const n = u / block;
    const first = n * block;
    const weights = whh + ((n * rowsOf(block, gates) * depth) << 2);
    const own = h + (first << 2);
    recur(
      rowsAt(s, u, block, gates, apart), ldz, zeros, 0, own, ldh, weights,
      batch, block, diagonal, u - first, endOf(u, u1, block) - first, gates,
    );
  }
}

/**
 * Mean of the rows of all units, padding left out. Sums are f64, as in math/norm.ts, and for the same reason.
 * z: [blocks][⌈block/4⌉][gates][4], each block padded to panels
 */
export function meanOf(z: usize, apart: usize, units: usize, block: usize, gates: usize): f64 {
  let sum = f64x2.splat(0);
  for (let first: usize = 0; first < units; first += block) {
    const at = rowsAt(z, first, block, gates, apart);
    for (let u: usize = 0; u < block; u += 4) {
      for (let g: usize = 0; g < gates; g++) {
        const v = loadLanes(at + ((u * gates + 4 * g) << 2), block - u);
        sum = f64x2.add(sum, f64x2.add(f64x2.promote_low_f32x4(v), f64x2.promote_low_f32x4(upper(v))));
      }
    }
  }
  return (f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)) / <f64>(units * gates);
}

/** 1 / √(variance + epsilon) of the same. */
export function scaleOf(z: usize, apart: usize, units: usize, block: usize, gates: usize, mean: f64, epsilon: f64): f64 {
  const shift = f64x2.splat(mean);
  let sum = f64x2.splat(0);
  let rest: f64 = 0;
  for (let first: usize = 0; first < units; first += block) {
    const at = rowsAt(z, first, block, gates, apart);
    for (let u: usize = 0; u < block; u += 4) {
      const left = block - u;
      for (let g: usize = 0; g < gates; g++) {
        const from = at + ((u * gates + 4 * g) << 2);
        if (left >= 4) {
          const v = v128.load(from);
          const a = f64x2.sub(f64x2.promote_low_f32x4(v), shift);
          const b = f64x2.sub(f64x2.promote_low_f32x4(upper(v)), shift);
          sum = f64x2.add(sum, f64x2.add(f64x2.mul(a, a), f64x2.mul(b, b)));
          continue;
        }
        for (let lane: usize = 0; lane < left; lane++) {
          const d = <f64>load<f32>(from + (lane << 2)) - mean;
          rest += d * d;
        }
      }
    }
  }
  const total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1) + rest;
  return 1 / sqrt(total / <f64>(units * gates) + epsilon);
}

/** gain (v − mean) scale + bias, the normal form rounded once at its end */
// @ts-ignore: decorator
@inline
export function normal(v: v128, mean: f64, scale: f64, gain: v128, bias: v128): v128 {
  const shift = f64x2.splat(mean);
  const factor = f64x2.splat(scale);
  const a = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(v), shift), factor));
  const b = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(upper(v)), shift), factor));
  return madd(v128.shuffle<i32>(a, b, 0, 1, 4, 5), gain, bias);
}

// @ts-ignore: decorator
@inline
function upper(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 2, 3, 0, 1);
}
