import { loadLanes, storeLanes } from '../simd/lanes';
import { madd } from '../simd/madd';

/**
 * Normalises each row, group by group: y = (x − m) / √(mean of (x − m)² + epsilon) · w + b, where m is the group's mean,
 * or 0 when `centred` is not set (Ba et al. 2016; Zhang & Sennrich 2019).
 *
 * Sums and differences are f64: a mean that is large beside what is spread around it would otherwise take the difference
 * with it.
 *
 * x, y: [rows, groups · size], y may be x · row strides in bytes · w, b: [groups · size]; b may be 0, for none
 */
export function norm_f32(
  y: usize, ldy: usize, x: usize, ldx: usize, w: usize, b: usize, rows: usize, groups: usize, size: usize, centred: bool, epsilon: f64,
): void {
  const count = <f64>size;
  for (let r: usize = 0; r < rows; r++) {
    for (let g: usize = 0; g < groups; g++) {
      const first = (g * size) << 2;
      const from = x + r * ldx + first;
      const mean = centred ? sumOf(from, size) / count : 0;
      const scale = 1 / sqrt(squaresOf(from, size, mean) / count + epsilon);
      normalise(y + r * ldy + first, from, w + first, b ? b + first : 0, size, mean, scale);
    }
  }
}

/** Σ x, lanes past the end being 0. */
export function sumOf(x: usize, size: usize): f64 {
  let sum = f64x2.splat(0);
  for (let i: usize = 0; i < size; i += 4) {
    const v = loadLanes(x + (i << 2), size - i);
    sum = f64x2.add(sum, f64x2.add(low(v), high(v)));
  }
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** Σ (x − mean)² */
export function squaresOf(x: usize, size: usize, mean: f64): f64 {
  const shift = f64x2.splat(mean);
  const whole = size & ~3;
  let sum = f64x2.splat(0);
  for (let i: usize = 0; i < whole; i += 4) {
    const v = v128.load(x + (i << 2));
    const a = f64x2.sub(low(v), shift);
    const b = f64x2.sub(high(v), shift);
    sum = f64x2.add(sum, f64x2.add(f64x2.mul(a, a), f64x2.mul(b, b)));
  }
  let total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  for (let i = whole; i < size; i++) {
    const d = <f64>load<f32>(x + (i << 2)) - mean;
    total += d * d;
  }
  return total;
}

function normalise(y: usize, x: usize, w: usize, b: usize, size: usize, mean: f64, scale: f64): void {
  const shift = f64x2.splat(mean);
  const factor = f64x2.splat(scale);
  for (let i: usize = 0; i < size; i += 4) {
    const at = i << 2;
    const v = loadLanes(x + at, size - i);
    const a = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.sub(low(v), shift), factor));
    const c = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.sub(high(v), shift), factor));
    const n = v128.shuffle<i32>(a, c, 0, 1, 4, 5);
    const weight = loadLanes(w + at, size - i);
    storeLanes(y + at, b ? madd(n, weight, loadLanes(b + at, size - i)) : f32x4.mul(n, weight), size - i);
  }
}

// @ts-ignore: decorator
@inline
export function low(v: v128): v128 {
  return f64x2.promote_low_f32x4(v);
}

// @ts-ignore: decorator
@inline
export function high(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 0, 1));
}
