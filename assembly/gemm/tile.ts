import { madd } from '../simd/madd';

/**
 * Micro-kernels. Each computes one fixed tile of
 *
 *   out [M, 8p] = init [M, 8p] + x [M, K] · Wᵀ
 *
 * with W packed in panels of eight rows, the K values of a panel one after the other:
 *
 *   panel 0: W[0..7][0] W[0..7][1] … W[0..7][K−1]   panel 1: W[8..15][0] …
 *            └ 32 bytes ┘                            └ panelBytes = 32·K after panel 0
 *
 * Every output is one accumulator that starts at init and adds x[k] · w[k] for k = 0, 1, …: the order is
 * the same in every tile, so all tiles give the same bytes for the same output, and out may be init.
 * Exported so that they stay out of line: inlined into a loop nest, V8 spills their accumulators.
 *
 * out, init, x, w: byte addresses; ld*: row strides in bytes (init's may be 0: one row for all);
 * depth: K, elements.
 */

/** A 1 × 48 tile: six panels, one row of x. Twelve chains; the rest of the registers holds x and one vector of w. */
export function gemm_f32_1x48(out: usize, init: usize, x: usize, w: usize, panelBytes: usize, depth: usize): void {
  let a0 = v128.load(init);
  let a1 = v128.load(init, 16);
  let b0 = v128.load(init, 32);
  let b1 = v128.load(init, 48);
  let c0 = v128.load(init, 64);
  let c1 = v128.load(init, 80);
  let d0 = v128.load(init, 96);
  let d1 = v128.load(init, 112);
  let e0 = v128.load(init, 128);
  let e1 = v128.load(init, 144);
  let f0 = v128.load(init, 160);
  let f1 = v128.load(init, 176);
  let wb = w + panelBytes;
  let wc = wb + panelBytes;
  let wd = wc + panelBytes;
  let we = wd + panelBytes;
  let wf = we + panelBytes;
  const end = x + (depth << 2);
  while (x < end) {
    const s = v128.load32_splat(x);
    a0 = madd(s, v128.load(w), a0);
    a1 = madd(s, v128.load(w, 16), a1);
    b0 = madd(s, v128.load(wb), b0);
    b1 = madd(s, v128.load(wb, 16), b1);
    c0 = madd(s, v128.load(wc), c0);
    c1 = madd(s, v128.load(wc, 16), c1);
    d0 = madd(s, v128.load(wd), d0);
    d1 = madd(s, v128.load(wd, 16), d1);
    e0 = madd(s, v128.load(we), e0);
    e1 = madd(s, v128.load(we, 16), e1);
    f0 = madd(s, v128.load(wf), f0);
    f1 = madd(s, v128.load(wf, 16), f1);
    x += 4;
    w += 32;
    wb += 32;
    wc += 32;
    wd += 32;
    we += 32;
    wf += 32;
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
  v128.store(out, b0, 32);
  v128.store(out, b1, 48);
  v128.store(out, c0, 64);
  v128.store(out, c1, 80);
  v128.store(out, d0, 96);
  v128.store(out, d1, 112);
  v128.store(out, e0, 128);
  v128.store(out, e1, 144);
  v128.store(out, f0, 160);
  v128.store(out, f1, 176);
}

/** A 1 × 32 tile: eight chains still cover the latency of an addition. */
export function gemm_f32_1x32(out: usize, init: usize, x: usize, w: usize, panelBytes: usize, depth: usize): void {
  let a0 = v128.load(init);
  let a1 = v128.load(init, 16);
  let b0 = v128.load(init, 32);
  let b1 = v128.load(init, 48);
  let c0 = v128.load(init, 64);
  let c1 = v128.load(init, 80);
  let d0 = v128.load(init, 96);
  let d1 = v128.load(init, 112);
  let wb = w + panelBytes;
  let wc = wb + panelBytes;
  let wd = wc + panelBytes;
  const end = x + (depth << 2);
  while (x < end) {
    const s = v128.load32_splat(x);
    a0 = madd(s, v128.load(w), a0);
    a1 = madd(s, v128.load(w, 16), a1);
    b0 = madd(s, v128.load(wb), b0);
    b1 = madd(s, v128.load(wb, 16), b1);
    c0 = madd(s, v128.load(wc), c0);
    c1 = madd(s, v128.load(wc, 16), c1);
    d0 = madd(s, v128.load(wd), d0);
    d1 = madd(s, v128.load(wd, 16), d1);
    x += 4;
    w += 32;
    wb += 32;
    wc += 32;
    wd += 32;
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
  v128.store(out, b0, 32);
  v128.store(out, b1, 48);
  v128.store(out, c0, 64);
  v128.store(out, c1, 80);
  v128.store(out, d0, 96);
  v128.store(out, d1, 112);
}

/** A 1 × 8 tile: what is left when the panels are no multiple of four. */
export function gemm_f32_1x8(out: usize, init: usize, x: usize, w: usize, depth: usize): void {
  let a0 = v128.load(init);
  let a1 = v128.load(init, 16);
  const end = x + (depth << 2);
  while (x < end) {
    const s = v128.load32_splat(x);
    a0 = madd(s, v128.load(w), a0);
    a1 = madd(s, v128.load(w, 16), a1);
    x += 4;
    w += 32;
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
}

/** A 2 × 8 tile: what is left of more rows, or of an odd number of panels. */
export function gemm_f32_2x8(
  out: usize, ldo: usize, init: usize, ldi: usize, x: usize, ldx: usize, w: usize, depth: usize,
): void {
  let a0 = v128.load(init);
  let a1 = v128.load(init, 16);
  let b0 = v128.load(init + ldi);
  let b1 = v128.load(init + ldi, 16);
  let xb = x + ldx;
  const end = x + (depth << 2);
  while (x < end) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    let s = v128.load32_splat(x);
    a0 = madd(s, w0, a0);
    a1 = madd(s, w1, a1);
    s = v128.load32_splat(xb);
    b0 = madd(s, w0, b0);
    b1 = madd(s, w1, b1);
    x += 4;
    xb += 4;
    w += 32;
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
  v128.store(out + ldo, b0);
  v128.store(out + ldo, b1, 16);
}

/** A 2 × 16 tile: two panels, because the four chains of one would wait for each other. */
export function gemm_f32_2x16(
  out: usize, ldo: usize, init: usize, ldi: usize, x: usize, ldx: usize, w: usize, panelBytes: usize, depth: usize,
): void {
  let a0 = v128.load(init);
  let a1 = v128.load(init, 16);
  let a2 = v128.load(init, 32);
  let a3 = v128.load(init, 48);
  let b0 = v128.load(init + ldi);
  let b1 = v128.load(init + ldi, 16);
  let b2 = v128.load(init + ldi, 32);
  let b3 = v128.load(init + ldi, 48);
  let xb = x + ldx;
  let wb = w + panelBytes;
  const end = x + (depth << 2);
  while (x < end) {
    const s = v128.load32_splat(x);
    const t = v128.load32_splat(xb);
    let v = v128.load(w);
    a0 = madd(s, v, a0);
    b0 = madd(t, v, b0);
    v = v128.load(w, 16);
    a1 = madd(s, v, a1);
    b1 = madd(t, v, b1);
    v = v128.load(wb);
    a2 = madd(s, v, a2);
    b2 = madd(t, v, b2);
    v = v128.load(wb, 16);
    a3 = madd(s, v, a3);
    b3 = madd(t, v, b3);
    x += 4;
    xb += 4;
    w += 32;
    wb += 32;
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
  v128.store(out, a2, 32);
  v128.store(out, a3, 48);
  v128.store(out + ldo, b0);
  v128.store(out + ldo, b1, 16);
  v128.store(out + ldo, b2, 32);
  v128.store(out + ldo, b3, 48);
}

/** A 4 × 8 tile: the widest whose accumulators stay in registers when a multiply-add is two instructions. */
export function gemm_f32_4x8(
  out: usize, ldo: usize, init: usize, ldi: usize, x: usize, ldx: usize, w: usize, depth: usize,
): void {
  let i = init;
  let a0 = v128.load(i);
  let a1 = v128.load(i, 16);
  i += ldi;
  let b0 = v128.load(i);
  let b1 = v128.load(i, 16);
  i += ldi;
  let c0 = v128.load(i);
  let c1 = v128.load(i, 16);
  i += ldi;
  let d0 = v128.load(i);
  let d1 = v128.load(i, 16);
  let xb = x + ldx;
  let xc = xb + ldx;
  let xd = xc + ldx;
  const end = x + (depth << 2);
  while (x < end) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    let s = v128.load32_splat(x);
    a0 = madd(s, w0, a0);
    a1 = madd(s, w1, a1);
    s = v128.load32_splat(xb);
    b0 = madd(s, w0, b0);
    b1 = madd(s, w1, b1);
    s = v128.load32_splat(xc);
    c0 = madd(s, w0, c0);
    c1 = madd(s, w1, c1);
    s = v128.load32_splat(xd);
    d0 = madd(s, w0, d0);
    d1 = madd(s, w1, d1);
    x += 4;
    xb += 4;
    xc += 4;
    xd += 4;
    w += 32;
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

/**
 * A 4 × 8 tile for an even K, two of its steps a turn. In the plain binary 7 to 10 % faster from K = 128 on, in the
 * relaxed one slower. A kernel of its own, without a rest loop: with one V8 spills.
 */
export function gemm_f32_4x8x2(
  out: usize, ldo: usize, init: usize, ldi: usize, x: usize, ldx: usize, w: usize, depth: usize,
): void {
  let i = init;
  let a0 = v128.load(i);
  let a1 = v128.load(i, 16);
  i += ldi;
  let b0 = v128.load(i);
  let b1 = v128.load(i, 16);
  i += ldi;
  let c0 = v128.load(i);
  let c1 = v128.load(i, 16);
  i += ldi;
  let d0 = v128.load(i);
  let d1 = v128.load(i, 16);
  let xb = x + ldx;
  let xc = xb + ldx;
  let xd = xc + ldx;
  const end = x + (depth << 2);
  while (x < end) {
    let w0 = v128.load(w);
    let w1 = v128.load(w, 16);
    let s = v128.load32_splat(x);
    a0 = madd(s, w0, a0);
    a1 = madd(s, w1, a1);
    s = v128.load32_splat(xb);
    b0 = madd(s, w0, b0);
    b1 = madd(s, w1, b1);
    s = v128.load32_splat(xc);
    c0 = madd(s, w0, c0);
    c1 = madd(s, w1, c1);
    s = v128.load32_splat(xd);
    d0 = madd(s, w0, d0);
    d1 = madd(s, w1, d1);
    w0 = v128.load(w, 32);
    w1 = v128.load(w, 48);
    s = v128.load32_splat(x, 4);
    a0 = madd(s, w0, a0);
    a1 = madd(s, w1, a1);
    s = v128.load32_splat(xb, 4);
    b0 = madd(s, w0, b0);
    b1 = madd(s, w1, b1);
    s = v128.load32_splat(xc, 4);
    c0 = madd(s, w0, c0);
    c1 = madd(s, w1, c1);
    s = v128.load32_splat(xd, 4);
    d0 = madd(s, w0, d0);
    d1 = madd(s, w1, d1);
    x += 8;
    xb += 8;
    xc += 8;
    xd += 8;
    w += 64;
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

/** A 6 × 8 tile: twelve accumulators, for the fused multiply-add; the plain binary would spill. */
export function gemm_f32_6x8(
  out: usize, ldo: usize, init: usize, ldi: usize, x: usize, ldx: usize, w: usize, depth: usize,
): void {
  let i = init;
  let a0 = v128.load(i);
  let a1 = v128.load(i, 16);
  i += ldi;
  let b0 = v128.load(i);
  let b1 = v128.load(i, 16);
  i += ldi;
  let c0 = v128.load(i);
  let c1 = v128.load(i, 16);
  i += ldi;
  let d0 = v128.load(i);
  let d1 = v128.load(i, 16);
  i += ldi;
  let e0 = v128.load(i);
  let e1 = v128.load(i, 16);
  i += ldi;
  let f0 = v128.load(i);
  let f1 = v128.load(i, 16);
  let xb = x + ldx;
  let xc = xb + ldx;
  let xd = xc + ldx;
  let xe = xd + ldx;
  let xf = xe + ldx;
  const end = x + (depth << 2);
  while (x < end) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    let s = v128.load32_splat(x);
    a0 = madd(s, w0, a0);
    a1 = madd(s, w1, a1);
    s = v128.load32_splat(xb);
    b0 = madd(s, w0, b0);
    b1 = madd(s, w1, b1);
    s = v128.load32_splat(xc);
    c0 = madd(s, w0, c0);
    c1 = madd(s, w1, c1);
    s = v128.load32_splat(xd);
    d0 = madd(s, w0, d0);
    d1 = madd(s, w1, d1);
    s = v128.load32_splat(xe);
    e0 = madd(s, w0, e0);
    e1 = madd(s, w1, e1);
    s = v128.load32_splat(xf);
    f0 = madd(s, w0, f0);
    f1 = madd(s, w1, f1);
    x += 4;
    xb += 4;
    xc += 4;
    xd += 4;
    xe += 4;
    xf += 4;
    w += 32;
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
