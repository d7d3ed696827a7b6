import { madd } from '../simd/madd';

/**
 * Micro-kernels of gemm_tn_f32. Each adds a product to one tile of
 *
 *   out [R, 8] += tᵀ · x        t: [depth][R], x: [depth][8], both packed without gaps
 *
 * Every output is one accumulator that starts at out and adds t[m] · x[m] for m = 0, 1, …, the same in every tile.
 * Exported so that they stay out of line, as those of gemm/tile.ts.
 *
 * out: byte address, row stride ldo bytes · t, x: byte addresses · depth: count
 */

/** A 6 × 8 tile: twelve accumulators, for the fused multiply-add. */
export function gemm_tn_f32_6x8(out: usize, ldo: usize, t: usize, x: usize, depth: usize): void {
  let o = out;
  let a0 = v128.load(o);
  let a1 = v128.load(o, 16);
  o += ldo;
  let b0 = v128.load(o);
  let b1 = v128.load(o, 16);
  o += ldo;
  let c0 = v128.load(o);
  let c1 = v128.load(o, 16);
  o += ldo;
  let d0 = v128.load(o);
  let d1 = v128.load(o, 16);
  o += ldo;
  let e0 = v128.load(o);
  let e1 = v128.load(o, 16);
  o += ldo;
  let f0 = v128.load(o);
  let f1 = v128.load(o, 16);
  const end = x + (depth << 5);
  while (x < end) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    let s = v128.load32_splat(t);
    a0 = madd(s, x0, a0);
    a1 = madd(s, x1, a1);
    s = v128.load32_splat(t, 4);
    b0 = madd(s, x0, b0);
    b1 = madd(s, x1, b1);
    s = v128.load32_splat(t, 8);
    c0 = madd(s, x0, c0);
    c1 = madd(s, x1, c1);
    s = v128.load32_splat(t, 12);
    d0 = madd(s, x0, d0);
    d1 = madd(s, x1, d1);
    s = v128.load32_splat(t, 16);
    e0 = madd(s, x0, e0);
    e1 = madd(s, x1, e1);
    s = v128.load32_splat(t, 20);
    f0 = madd(s, x0, f0);
    f1 = madd(s, x1, f1);
    t += 24;
    x += 32;
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
  out += ldo;
  v128.store(out, b0);
  v128.store(out, b1, 16);
  out += ldo;
  v128.store(out, c0);
  v128.store(out, c1, 16);
  out += ldo;
  v128.store(out, d0);
  v128.store(out, d1, 16);
  out += ldo;
  v128.store(out, e0);
  v128.store(out, e1, 16);
  out += ldo;
  v128.store(out, f0);
  v128.store(out, f1, 16);
}

/** A 4 × 8 tile. */
export function gemm_tn_f32_4x8(out: usize, ldo: usize, t: usize, x: usize, depth: usize): void {
  let o = out;
  let a0 = v128.load(o);
  let a1 = v128.load(o, 16);
  o += ldo;
  let b0 = v128.load(o);
  let b1 = v128.load(o, 16);
  o += ldo;
  let c0 = v128.load(o);
  let c1 = v128.load(o, 16);
  o += ldo;
  let d0 = v128.load(o);
  let d1 = v128.load(o, 16);
  const end = x + (depth << 5);
  while (x < end) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    let s = v128.load32_splat(t);
    a0 = madd(s, x0, a0);
    a1 = madd(s, x1, a1);
    s = v128.load32_splat(t, 4);
    b0 = madd(s, x0, b0);
    b1 = madd(s, x1, b1);
    s = v128.load32_splat(t, 8);
    c0 = madd(s, x0, c0);
    c1 = madd(s, x1, c1);
    s = v128.load32_splat(t, 12);
    d0 = madd(s, x0, d0);
    d1 = madd(s, x1, d1);
    t += 16;
    x += 32;
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
  out += ldo;
  v128.store(out, b0);
  v128.store(out, b1, 16);
  out += ldo;
  v128.store(out, c0);
  v128.store(out, c1, 16);
  out += ldo;
  v128.store(out, d0);
  v128.store(out, d1, 16);
}

/** A 2 × 8 tile. */
export function gemm_tn_f32_2x8(out: usize, ldo: usize, t: usize, x: usize, depth: usize): void {
  let o = out;
  let a0 = v128.load(o);
  let a1 = v128.load(o, 16);
  o += ldo;
  let b0 = v128.load(o);
  let b1 = v128.load(o, 16);
  const end = x + (depth << 5);
  while (x < end) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    let s = v128.load32_splat(t);
    a0 = madd(s, x0, a0);
    a1 = madd(s, x1, a1);
    s = v128.load32_splat(t, 4);
    b0 = madd(s, x0, b0);
    b1 = madd(s, x1, b1);
    t += 8;
    x += 32;
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
  out += ldo;
  v128.store(out, b0);
  v128.store(out, b1, 16);
}

/** A 1 × 8 tile: the last of an odd number of rows. */
export function gemm_tn_f32_1x8(out: usize, t: usize, x: usize, depth: usize): void {
  let a0 = v128.load(out);
  let a1 = v128.load(out, 16);
  const end = x + (depth << 5);
  while (x < end) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    const s = v128.load32_splat(t);
    a0 = madd(s, x0, a0);
    a1 = madd(s, x1, a1);
    t += 4;
    x += 32;
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
}
