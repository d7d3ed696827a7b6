import { loadLanes, storeLanes } from '../simd/lanes';
import { high, low, squaresOf, sumOf } from '../math/norm';

/**
 * The way back through norm_f32, from its input. With n = (x − m) / s, s = √(mean of (x − m)² + epsilon), and d = dy ∘ w:
 *
 *   dx = (d − mean of d − n · mean of d ∘ n) / s, group by group, without the mean of d where m is not subtracted
 *   p = dy ∘ n, whose sum over rows is dw
 *
 * (Ba et al. 2016; Zhang & Sennrich 2019.) All of it is f64 up to what is stored.
 *
 * dx, p, dy, x: [rows, groups · size], row strides in bytes; dx may be 0, for nobody asks; p may be dy · w: [groups · size]
 */
export function norm_back_f32(
  dx: usize, lddx: usize, p: usize, ldp: usize, dy: usize, lddy: usize, x: usize, ldx: usize, w: usize,
  rows: usize, groups: usize, size: usize, centred: bool, epsilon: f64,
): void {
  const count = <f64>size;
  for (let r: usize = 0; r < rows; r++) {
    for (let g: usize = 0; g < groups; g++) {
      const first = (g * size) << 2;
      const from = x + r * ldx + first;
      const mean = centred ? sumOf(from, size) / count : 0;
      const scale = 1 / sqrt(squaresOf(from, size, mean) / count + epsilon);
      const d = dy + r * lddy + first;
      if (dx) descendGroup(dx + r * lddx + first, d, from, w + first, size, mean, scale, centred);
      multiplyGroup(p + r * ldp + first, d, from, size, mean, scale);
    }
  }
}

function descendGroup(dx: usize, dy: usize, x: usize, w: usize, size: usize, mean: f64, scale: f64, centred: bool): void {
  const shift = f64x2.splat(mean);
  const factor = f64x2.splat(scale);
  let sum = f64x2.splat(0);
  let product = f64x2.splat(0);
  for (let i: usize = 0; i < size; i += 4) {
    const at = i << 2;
    const left = size - i;
    // Lanes past the end have a slope of 0.
    const d = loadLanes(dy + at, left);
    const v = loadLanes(x + at, left);
    const u = loadLanes(w + at, left);
    const d0 = f64x2.mul(low(d), low(u));
    const d1 = f64x2.mul(high(d), high(u));
    sum = f64x2.add(sum, f64x2.add(d0, d1));
    const n0 = f64x2.mul(f64x2.sub(low(v), shift), factor);
    const n1 = f64x2.mul(f64x2.sub(high(v), shift), factor);
    product = f64x2.add(product, f64x2.add(f64x2.mul(d0, n0), f64x2.mul(d1, n1)));
  }
  const count = <f64>size;
  const along = f64x2.splat((f64x2.extract_lane(product, 0) + f64x2.extract_lane(product, 1)) / count);
  const usual = f64x2.splat(centred ? (f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)) / count : 0);
  for (let i: usize = 0; i < size; i += 4) {
    const at = i << 2;
    const left = size - i;
    const d = loadLanes(dy + at, left);
    const v = loadLanes(x + at, left);
    const u = loadLanes(w + at, left);
    const n0 = f64x2.mul(f64x2.sub(low(v), shift), factor);
    const n1 = f64x2.mul(f64x2.sub(high(v), shift), factor);
    const a = f64x2.sub(f64x2.sub(f64x2.mul(low(d), low(u)), usual), f64x2.mul(n0, along));
    const c = f64x2.sub(f64x2.sub(f64x2.mul(high(d), high(u)), usual), f64x2.mul(n1, along));
    storeLanes(dx + at, rounded(f64x2.mul(a, factor), f64x2.mul(c, factor)), left);
  }
}

function multiplyGroup(p: usize, dy: usize, x: usize, size: usize, mean: f64, scale: f64): void {
  const shift = f64x2.splat(mean);
  const factor = f64x2.splat(scale);
  for (let i: usize = 0; i < size; i += 4) {
    const at = i << 2;
    const left = size - i;
    const d = loadLanes(dy + at, left);
    const v = loadLanes(x + at, left);
    const a = f64x2.mul(low(d), f64x2.mul(f64x2.sub(low(v), shift), factor));
    const c = f64x2.mul(high(d), f64x2.mul(f64x2.sub(high(v), shift), factor));
    storeLanes(p + at, rounded(a, c), left);
  }
}

// @ts-ignore: decorator
@inline
function rounded(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 1, 4, 5);
}
