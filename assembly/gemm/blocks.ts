import { storeLanes } from '../simd/lanes';
import { madd } from '../simd/madd';
import { gemm_f32 } from './gemm';
import { gemm_f32_4x8 } from './tile';

/**
 * Panels [p0, p1) of a block-diagonal product: out [M, N·D] = bias [N·D] + x [M, N·K] · Wᵀ, block n of out over block n of
 * x alone. Nothing beside the outputs of these panels is written.
 *
 * Panels are eight rows of one block (see tile.ts). Where D is no multiple of eight the last one of a block has its last
 * eight rows, some of which the one before has, too: both make the same bytes, so it does not matter who comes last.
 * Blocks of fewer than eight rows have one panel with zero rows; it is written over the blocks behind it, which are next,
 * or, where they are not of this range, output by output.
 *
 *   D = 20   panel 0: rows 0..7   panel 1: rows 8..15   panel 2: rows 12..19
 *
 * out, x: byte addresses of block 0, row strides ldo, ldx in bytes · bias: [N·D], eight more can be read · w: [N] panels
 * [⌈D/8⌉][K][8] · rows: M · width, depth: D, K
 */
export function blocks_f32(
  out: usize, ldo: usize, bias: usize, x: usize, ldx: usize, w: usize, rows: usize, width: usize, depth: usize, p0: usize, p1: usize,
): void {
  if (width < 8) {
    smallBlocks(out, ldo, bias, x, ldx, w, rows, width, depth, p0, p1);
    return;
  }
  const panels = (width + 7) >> 3;
  const whole = width >> 3;
  const panelBytes = depth << 5;
  for (let p = p0; p < p1; ) {
    const n = p / panels;
    const j = p - n * panels;
    const end = min(panels, j + p1 - p);
    const first = (n * width) << 2;
    const o = out + first;
    const i = bias + first;
    const a = x + ((n * depth) << 2);
    const panel = w + p * panelBytes;
    const full = min(end, whole);
    if (j < full) gemm_f32(o + (j << 5), ldo, i + (j << 5), 0, a, ldx, panel, rows, depth, full - j);
    if (end > whole) {
      const last = (width - 8) << 2;
      gemm_f32(o + last, ldo, i + last, 0, a, ldx, panel + (whole - j) * panelBytes, rows, depth, 1);
    }
    p += end - j;
  }
}

/**
 * Blocks [n0, n1) that are narrower than a panel. Rows outermost, four at a time: of so many, whose strides are often
 * powers of two, the outputs and inputs of neighbouring blocks stay near.
 */
function smallBlocks(
  out: usize, ldo: usize, bias: usize, x: usize, ldx: usize, w: usize, rows: usize, width: usize, depth: usize, n0: usize, n1: usize,
): void {
  const panelBytes = depth << 5;
  // Behind what a panel of these blocks is written over there are more blocks of this range.
  const inner = (n1 - n0) * width < 8 ? n0 : n1 - 7 / width;
  for (let r: usize = 0; r < rows; ) {
    const some: usize = rows - r >= 4 ? 4 : 1;
    const o = out + r * ldo;
    const a = x + r * ldx;
    let n = n0;
    if (some == 4) {
      for (; n < inner; n++) {
        gemm_f32_4x8(o + ((n * width) << 2), ldo, bias + ((n * width) << 2), 0, a + ((n * depth) << 2), ldx, w + n * panelBytes, depth);
      }
    }
    for (; n < n1; n++) {
      for (let k: usize = 0; k < some; k++) {
        narrow(o + k * ldo + ((n * width) << 2), bias + ((n * width) << 2), a + k * ldx + ((n * depth) << 2), w + n * panelBytes, width, depth);
      }
    }
    r += some;
  }
}

/** The first `width` outputs of a panel, 7 at most, of one row of x: as gemm_f32_1x8. */
function narrow(out: usize, init: usize, x: usize, w: usize, width: usize, depth: usize): void {
  let a0 = v128.load(init);
  const end = x + (depth << 2);
  if (width <= 4) {
    while (x < end) {
      a0 = madd(v128.load32_splat(x), v128.load(w), a0);
      x += 4;
      w += 32;
    }
    storeLanes(out, a0, width);
    return;
  }
  let a1 = v128.load(init, 16);
  while (x < end) {
    const s = v128.load32_splat(x);
    a0 = madd(s, v128.load(w), a0);
    a1 = madd(s, v128.load(w, 16), a1);
    x += 4;
    w += 32;
  }
  v128.store(out, a0);
  storeLanes(out + 16, a1, width - 4);
}
