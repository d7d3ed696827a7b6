import { madd } from '../simd/madd';

/**
 * Micro-kernels of block-sparse recurrent weights, the form of LPCNet (Valin & Skoglund 2019) and WaveRNN
 * (Kalchbrenner et al. 2018): a row of strips is some neighbouring units of one gate, and of their weights only
 * strips of a few columns are kept. A strip lies column after column:
 *
 *   8×4: W[0..7][k] W[0..7][k+1] W[0..7][k+2] W[0..7][k+3]      16×1: W[0..15][k]      4×4: W[0..3][k] … W[0..3][k+3]
 *        └ 32 bytes ┘
 *
 * Each computes out = init + Σ strip · h[columns of the strip] for one row of strips and one stream, in four sums:
 * fewer would wait for each other's additions, and with eight V8 keeps some on its stack, which takes twice as long.
 * Exported so that they stay out of line.
 *
 * out, init: four units every ldg bytes, out may be init · h: the state · w: the row's first strip
 * columns: of each strip, where in h it begins, in bytes, u32 · count: strips
 */

/** Strips of eight units and four columns; a sum for the columns of even number and one for the others. */
export function strips_f32_8x4(
  out: usize, init: usize, ldg: usize, h: usize, w: usize, columns: usize, count: usize,
): void {
  let a0 = v128.load(init);
  let a1 = v128.load(init + ldg);
  let b0 = f32x4.splat(0);
  let b1 = f32x4.splat(0);
  const end = columns + (count << 2);
  while (columns < end) {
    const x = v128.load(h + <usize>load<u32>(columns));
    const xa = v128.shuffle<f32>(x, x, 0, 0, 0, 0);
    a0 = madd(xa, v128.load(w), a0);
    a1 = madd(xa, v128.load(w, 16), a1);
    const xb = v128.shuffle<f32>(x, x, 1, 1, 1, 1);
    b0 = madd(xb, v128.load(w, 32), b0);
    b1 = madd(xb, v128.load(w, 48), b1);
    const xc = v128.shuffle<f32>(x, x, 2, 2, 2, 2);
    a0 = madd(xc, v128.load(w, 64), a0);
    a1 = madd(xc, v128.load(w, 80), a1);
    const xd = v128.shuffle<f32>(x, x, 3, 3, 3, 3);
    b0 = madd(xd, v128.load(w, 96), b0);
    b1 = madd(xd, v128.load(w, 112), b1);
    w += 128;
    columns += 4;
  }
  v128.store(out, f32x4.add(a0, b0));
  v128.store(out + ldg, f32x4.add(a1, b1));
}

/** Strips of sixteen units and one column. */
export function strips_f32_16x1(
  out: usize, init: usize, ldg: usize, h: usize, w: usize, columns: usize, count: usize,
): void {
  const second = init + ldg;
  const third = second + ldg;
  let a0 = v128.load(init);
  let a1 = v128.load(second);
  let a2 = v128.load(third);
  let a3 = v128.load(third + ldg);
  const end = columns + (count << 2);
  while (columns < end) {
    const x = v128.load32_splat(h + <usize>load<u32>(columns));
    a0 = madd(x, v128.load(w), a0);
    a1 = madd(x, v128.load(w, 16), a1);
    a2 = madd(x, v128.load(w, 32), a2);
    a3 = madd(x, v128.load(w, 48), a3);
    w += 64;
    columns += 4;
  }
  v128.store(out, a0);
  out += ldg;
  v128.store(out, a1);
  out += ldg;
  v128.store(out, a2);
  v128.store(out + ldg, a3);
}

/** Strips of four units and four columns, a sum for each column; ldg is not used. */
export function strips_f32_4x4(
  out: usize, init: usize, ldg: usize, h: usize, w: usize, columns: usize, count: usize,
): void {
  let a = v128.load(init);
  let b = f32x4.splat(0);
  let c = f32x4.splat(0);
  let d = f32x4.splat(0);
  const end = columns + (count << 2);
  if (count & 1) {
    const x = v128.load(h + <usize>load<u32>(columns));
    a = madd(v128.shuffle<f32>(x, x, 0, 0, 0, 0), v128.load(w), a);
    b = madd(v128.shuffle<f32>(x, x, 1, 1, 1, 1), v128.load(w, 16), b);
    c = madd(v128.shuffle<f32>(x, x, 2, 2, 2, 2), v128.load(w, 32), c);
    d = madd(v128.shuffle<f32>(x, x, 3, 3, 3, 3), v128.load(w, 48), d);
    w += 64;
    columns += 4;
  }
  while (columns < end) {
    const x = v128.load(h + <usize>load<u32>(columns));
    const y = v128.load(h + <usize>load<u32>(columns, 4));
    a = madd(v128.shuffle<f32>(x, x, 0, 0, 0, 0), v128.load(w), a);
    b = madd(v128.shuffle<f32>(x, x, 1, 1, 1, 1), v128.load(w, 16), b);
    c = madd(v128.shuffle<f32>(x, x, 2, 2, 2, 2), v128.load(w, 32), c);
    d = madd(v128.shuffle<f32>(x, x, 3, 3, 3, 3), v128.load(w, 48), d);
    a = madd(v128.shuffle<f32>(y, y, 0, 0, 0, 0), v128.load(w, 64), a);
    b = madd(v128.shuffle<f32>(y, y, 1, 1, 1, 1), v128.load(w, 80), b);
    c = madd(v128.shuffle<f32>(y, y, 2, 2, 2, 2), v128.load(w, 96), c);
    d = madd(v128.shuffle<f32>(y, y, 3, 3, 3, 3), v128.load(w, 112), d);
    w += 128;
    columns += 8;
  }
  v128.store(out, f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
}
