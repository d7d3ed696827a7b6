import { keepLanes } from '../simd/lanes';
import { exp } from './exp';
import { relu, sigmoid, tanh } from './gates';
import { log } from './log';
import { EXP_LEAST } from './table';

/**
 * Array kernels. All read x [rows, width] and write y [rows, width], with row strides in bytes; y may be x; table is the
 * address of the constants.
 * Rows are padded by the caller to a multiple of four floats: the element-wise ones write the padding too.
 */

/** y = tanh(x) */
export function tanh_f32(y: usize, ldy: usize, x: usize, ldx: usize, table: usize, rows: usize, width: usize): void {
  for (let r: usize = 0; r < rows; r++) {
    for (let i: usize = 0; i < width << 2; i += 16) {
      v128.store(y + r * ldy + i, tanh(v128.load(x + r * ldx + i), table));
    }
  }
}

/** y = 1 / (1 + e^−x) */
export function sigmoid_f32(y: usize, ldy: usize, x: usize, ldx: usize, table: usize, rows: usize, width: usize): void {
  for (let r: usize = 0; r < rows; r++) {
    for (let i: usize = 0; i < width << 2; i += 16) {
      v128.store(y + r * ldy + i, sigmoid(v128.load(x + r * ldx + i), table));
    }
  }
}

/** y = max(x, 0) */
export function relu_f32(y: usize, ldy: usize, x: usize, ldx: usize, table: usize, rows: usize, width: usize): void {
  for (let r: usize = 0; r < rows; r++) {
    for (let i: usize = 0; i < width << 2; i += 16) {
      v128.store(y + r * ldy + i, relu(v128.load(x + r * ldx + i)));
    }
  }
}

/** y = e^(x − max) / Σ e^(x − max) over each row */
export function softmax_f32(y: usize, ldy: usize, x: usize, ldx: usize, table: usize, rows: usize, width: usize): void {
  for (let r: usize = 0; r < rows; r++) {
    const from = x + r * ldx;
    const to = y + r * ldy;
    const most = rowMax(from, width);
    const sum = rowExp(to, from, most, table, width);
    const scale = f32x4.splat(<f32>(1.0 / sum));
    for (let i: usize = 0; i < width << 2; i += 16) v128.store(to + i, f32x4.mul(v128.load(to + i), scale));
  }
}

/** y = x − max − ln Σ e^(x − max) over each row */
export function log_softmax_f32(y: usize, ldy: usize, x: usize, ldx: usize, table: usize, rows: usize, width: usize): void {
  for (let r: usize = 0; r < rows; r++) {
    const from = x + r * ldx;
    const most = rowMax(from, width);
    const sum = rowExp(0, from, most, table, width);
    const shift = f32x4.splat(<f32>(<f64>most + log(sum)));
    for (let i: usize = 0; i < width << 2; i += 16) v128.store(y + r * ldy + i, f32x4.sub(v128.load(from + i), shift));
  }
}

function rowMax(x: usize, width: usize): f32 {
  const least = f32x4.splat(-Infinity);
  let most = least;
  for (let i: usize = 0; i < width; i += 4) most = f32x4.max(most, keepLanes(v128.load(x + (i << 2)), width - i, least));
  return max(
    max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
    max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
  );
}

/**
 * Writes e^(x − most) to y unless y is 0, zeros up to a whole vector; returns the sum, gathered in f64 so that long
 * rows lose nothing.
 */
export function rowExp(y: usize, x: usize, most: f32, table: usize, width: usize): f64 {
  const none = f32x4.splat(0);
  const shift = f32x4.splat(most);
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let i: usize = 0; i < width; i += 4) {
    let e = exp(f32x4.pmax(f32x4.sub(v128.load(x + (i << 2)), shift), v128.load(table, EXP_LEAST)), table);
    if (i + 4 > width) e = keepLanes(e, width - i, none);
    if (y) v128.store(y + (i << 2), e);
    low = f64x2.add(low, f64x2.promote_low_f32x4(e));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i32>(e, e, 2, 3, 0, 1)));
  }
  const sum = f64x2.add(low, high);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}
