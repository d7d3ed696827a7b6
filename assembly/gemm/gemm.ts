import {
  gemm_f32_1x32, gemm_f32_1x48, gemm_f32_1x8, gemm_f32_2x16, gemm_f32_2x8, gemm_f32_4x8, gemm_f32_4x8x2, gemm_f32_6x8,
} from './tile';

/** Weights of so many bytes, or more, come from beyond the second-level cache. */
const NEAR: usize = 1 << 19;

/**
 * Brings a panel near by reading one of each cache line: from four places at once, so that what each waits for, pages
 * above all, is waited for together.
 */
// @ts-ignore: decorator
@inline
function touch(panel: usize, bytes: usize): void {
  const quarter = bytes >> 2;
  const b = panel + quarter;
  const c = b + quarter;
  const d = c + quarter;
  for (let at: usize = 0; at < quarter; at += 64) {
    load<u8>(panel + at);
    load<u8>(b + at);
    load<u8>(c + at);
    load<u8>(d + at);
  }
}

/**
 * out [M, 8·panels] = init [M, 8·panels] + x [M, K] · Wᵀ, W packed in panels (see tile.ts).
 *
 * Panels outermost: a panel (32·K bytes) stays in a near cache while all rows of x pass by. One that is far away is
 * touched first where it has so many rows to serve that they repay it.
 *
 * out, init, x, w: byte addresses; out may be init, not x; ldo, ldi, ldx: row strides in bytes, ldi may be 0
 * rows: M · depth: K · panels: how many panels of eight outputs
 */
export function gemm_f32(
  out: usize, ldo: usize, init: usize, ldi: usize, x: usize, ldx: usize, w: usize,
  rows: usize, depth: usize, panels: usize,
): void {
  const panelBytes = depth << 5;
  // Tiles of six rows where multiply-add is one instruction; then four, two and one.
  let six: usize = ASC_FEATURE_RELAXED_SIMD ? rows / 6 : 0;
  // 6 + 2 rows go better as 4 + 4.
  if (six && (rows - six * 6) >> 1 == 1) six--;
  let row = six * 6;
  const four = (rows - row) >> 2;
  row += four << 2;
  const two = (rows - row) >> 1;
  // Where multiply-add is two instructions, two steps of K a turn; an odd one is left for a call that has to be repaid.
  const pairs: usize = ASC_FEATURE_RELAXED_SIMD || (depth & 1 && depth < 128) ? 0 : depth & ~1;
  const far = six + four > 0 && panels * panelBytes >= NEAR;
  if (rows > 3) {
    for (let p: usize = 0; p < panels; p++) {
      let o = out + (p << 5);
      let i = init + (p << 5);
      let a = x;
      const panel = w + p * panelBytes;
      if (far) touch(panel, panelBytes);
      if (ASC_FEATURE_RELAXED_SIMD) {
        for (let n: usize = 0; n < six; n++) {
          gemm_f32_6x8(o, ldo, i, ldi, a, ldx, panel, depth);
          o += 6 * ldo;
          i += 6 * ldi;
          a += 6 * ldx;
        }
      }
      for (let n: usize = 0; n < four; n++) {
        if (pairs) {
          gemm_f32_4x8x2(o, ldo, i, ldi, a, ldx, panel, pairs);
          if (pairs < depth) gemm_f32_4x8(o, ldo, o, ldo, a + (pairs << 2), ldx, panel + (pairs << 5), 1);
        } else {
          gemm_f32_4x8(o, ldo, i, ldi, a, ldx, panel, depth);
        }
        o += ldo << 2;
        i += ldi << 2;
        a += ldx << 2;
      }
      if (two) gemm_f32_2x8(o, ldo, i, ldi, a, ldx, panel, depth);
    }
  } else if (two) {
    let p: usize = 0;
    for (; p + 2 <= panels; p += 2) {
      gemm_f32_2x16(out + (p << 5), ldo, init + (p << 5), ldi, x, ldx, w + p * panelBytes, panelBytes, depth);
    }
    if (p < panels) gemm_f32_2x8(out + (p << 5), ldo, init + (p << 5), ldi, x, ldx, w + p * panelBytes, depth);
  }
  if (row + (two << 1) < rows) {
    const last = rows - 1;
    gemv_f32(out + last * ldo, init + last * ldi, x + last * ldx, w, depth, panels);
  }
}

/** out [8·panels] = init [8·panels] + W · x [K]; arguments as in gemm_f32. */
export function gemv_f32(out: usize, init: usize, x: usize, w: usize, depth: usize, panels: usize): void {
  const panelBytes = depth << 5;
  // As many tiles of six panels as leave a multiple of four.
  let wide = panels / 6;
  while (wide && (panels - wide * 6) & 3) wide--;
  let p: usize = 0;
  for (; wide; wide--) {
    gemm_f32_1x48(out + (p << 5), init + (p << 5), x, w + p * panelBytes, panelBytes, depth);
    p += 6;
  }
  for (; p + 4 <= panels; p += 4) {
    gemm_f32_1x32(out + (p << 5), init + (p << 5), x, w + p * panelBytes, panelBytes, depth);
  }
  for (; p < panels; p++) gemm_f32_1x8(out + (p << 5), init + (p << 5), x, w + p * panelBytes, depth);
}
