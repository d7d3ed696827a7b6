import { loadLanes, storeLanes } from '../simd/lanes';

/**
 * out[j] += Σ x[m][j], in order of m. out: [width] · x: [rows, width], row stride ldx bytes · width: a multiple of 4.
 * Eight vectors of columns at a time: as many chains cover the latency of an addition.
 */
export function column_sums_f32(out: usize, x: usize, ldx: usize, rows: usize, width: usize): void {
  const end = x + rows * ldx;
  let j: usize = 0;
  for (; j + 32 <= width; j += 32) {
    const to = out + (j << 2);
    let a = v128.load(to);
    let b = v128.load(to, 16);
    let c = v128.load(to, 32);
    let d = v128.load(to, 48);
    let e = v128.load(to, 64);
    let f = v128.load(to, 80);
    let g = v128.load(to, 96);
    let h = v128.load(to, 112);
    const last = end + (j << 2);
    for (let from = x + (j << 2); from < last; from += ldx) {
      a = f32x4.add(a, v128.load(from));
      b = f32x4.add(b, v128.load(from, 16));
      c = f32x4.add(c, v128.load(from, 32));
      d = f32x4.add(d, v128.load(from, 48));
      e = f32x4.add(e, v128.load(from, 64));
      f = f32x4.add(f, v128.load(from, 80));
      g = f32x4.add(g, v128.load(from, 96));
      h = f32x4.add(h, v128.load(from, 112));
    }
    v128.store(to, a);
    v128.store(to, b, 16);
    v128.store(to, c, 32);
    v128.store(to, d, 48);
    v128.store(to, e, 64);
    v128.store(to, f, 80);
    v128.store(to, g, 96);
    v128.store(to, h, 112);
  }
  for (; j < width; j += 4) {
    const to = out + (j << 2);
    let a = v128.load(to);
    const last = end + (j << 2);
    for (let from = x + (j << 2); from < last; from += ldx) a = f32x4.add(a, v128.load(from));
    v128.store(to, a);
  }
}

/**
 * out = Σ x², one f64, for the norm of a gradient. Squares of floats are exact in f64; four sums are kept, of every
 * fourth value each, in order. out: 8-byte aligned · x: [count]
 */
export function sum_squares_f32(out: usize, x: usize, count: usize): void {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let i: usize = 0; i < count; i += 4) {
    const v = loadLanes(x + (i << 2), count - i);
    const a = f64x2.promote_low_f32x4(v);
    const b = f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 0, 1));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  const sum = f64x2.add(low, high);
  store<f64>(out, f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1));
}

/** x = 0. x: [count] */
export function zero_f32(x: usize, count: usize): void {
  memory.fill(x, 0, count << 2);
}

/** out += x. out, x: [count] */
export function add_f32(out: usize, x: usize, count: usize): void {
  for (let i: usize = 0; i < count << 2; i += 16) {
    const left = count - (i >> 2);
    storeLanes(out + i, f32x4.add(loadLanes(out + i, left), loadLanes(x + i, left)), left);
  }
}

/** y += x, columns [0, width) of each row alone. y, x: [rows, width], row strides in bytes */
export function add_rows_f32(y: usize, ldy: usize, x: usize, ldx: usize, rows: usize, width: usize): void {
  for (let r: usize = 0; r < rows; r++) add_f32(y + r * ldy, x + r * ldx, width);
}

/** x = 0, columns [0, width) of each row alone. x: [rows, width], row stride in bytes */
export function clear_rows_f32(x: usize, ldx: usize, rows: usize, width: usize): void {
  for (let r: usize = 0; r < rows; r++) zero_f32(x + r * ldx, width);
}
