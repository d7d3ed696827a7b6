/**
 * Numbers by lot, 32 bits for each element, which depend on a seed, a row and a column alone: no state goes from one to
 * the next, so any split of the work draws the same ones, and the way back draws again what the way forward has drawn.
 *
 *   key = mix(mix(seed) + row)                a row's own, of which all that differs between rows follows
 *   hash = mix(key + 0x9e3779b9 · column, mix(key))
 *   mix(v, more) = v ^ v>>16, · 0x7feb352d, ^ v>>15, + more, · 0x846ca68b, ^ v>>16      mod 2^32; more is 0 unless given
 *
 * The multipliers are Chris Wellons' lowbias32, a bijection found by search for low bias; with a second word of key added
 * halfway, two rows share a stretch of their hashes only where 64 bits agree.
 */

/** The key of a row, start being mix(seed). */
// @ts-ignore: decorator
@inline
export function keyOf(start: u32, row: usize): u32 {
  return mix(start + <u32>row);
}

// @ts-ignore: decorator
@inline
export function mix(v: u32): u32 {
  v = (v ^ (v >> 16)) * 0x7feb352d;
  v = (v ^ (v >> 15)) * 0x846ca68b;
  return v ^ (v >> 16);
}

/** The hashes of four columns of a row. keys: its key in each lane · more: mix of it */
// @ts-ignore: decorator
@inline
export function hashLanes(keys: v128, more: v128, columns: v128): v128 {
  let v = i32x4.add(keys, i32x4.mul(columns, i32x4.splat(<i32>0x9e3779b9)));
  v = i32x4.mul(v128.xor(v, i32x4.shr_u(v, 16)), i32x4.splat(0x7feb352d));
  v = i32x4.mul(i32x4.add(v128.xor(v, i32x4.shr_u(v, 15)), more), i32x4.splat(<i32>0x846ca68b));
  return v128.xor(v, i32x4.shr_u(v, 16));
}
