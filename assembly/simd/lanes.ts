/** Stores the first `count` f32 lanes of v at `out`; 4 or more stores all four. Never writes past `count`. */
// @ts-ignore: decorator
@inline
export function storeLanes(out: usize, v: v128, count: usize): void {
  if (count >= 4) {
    v128.store(out, v);
    return;
  }
  v128.store32_lane(out, v, 0);
  if (count > 1) v128.store32_lane(out, v, 1, 4);
  if (count > 2) v128.store32_lane(out, v, 2, 8);
}

/** Lanes i with i < count keep v, the others become `other`. */
// @ts-ignore: decorator
@inline
export function keepLanes(v: v128, count: usize, other: v128): v128 {
  return v128.bitselect(v, other, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(<i32>count)));
}

/** The first `count` f32 values at x, zeros behind them; 4 or more gives all four. Never reads past `count`. */
// @ts-ignore: decorator
@inline
export function loadLanes(x: usize, count: usize): v128 {
  if (count >= 4) return v128.load(x);
  let v = f32x4.splat(0);
  if (count > 0) v = v128.load32_lane(x, v, 0);
  if (count > 1) v = v128.load32_lane(x, v, 1, 4);
  if (count > 2) v = v128.load32_lane(x, v, 2, 8);
  return v;
}

/** Stores all four lanes at `out`, 0 instead of those from `count` on. */
// @ts-ignore: decorator
@inline
export function storePadded(out: usize, v: v128, count: usize): void {
  v128.store(out, count >= 4 ? v : keepLanes(v, count, f32x4.splat(0)));
}
