import { pack_columns_f32 } from './pack';
import { gemm_tn_f32_1x8, gemm_tn_f32_2x8, gemm_tn_f32_4x8, gemm_tn_f32_6x8 } from './transposed-tile';

/** Rows of a and x that are packed and multiplied at once: a panel of x (8 KiB) and a tile of a stay in the first-level cache. */
const CHUNK: usize = 256;

/**
 * The gradient of weights, a product over all rows of a batch:
 *
 *   out [N, ⌈K/8⌉·8] += aᵀ [N, M] · x [M, K]
 *
 * Goes over M in chunks that begin at 0, 256, 512 …, packed densely into scratch: their rows lie whole strides apart,
 * and a power of two would put them all in one set of the cache.
 *
 *   scratch   a: tiles of 6 (then 4, 2, 1) columns, [256][6] each · x: panels of 8 columns, [⌈K/8⌉][256][8], zeros past K
 *
 * Every output is one chain that adds a[m] · x[m] for m = 0, 1, …, through the chunks: any split of N or K
 * gives the same bytes. Columns of out past K get + 0.
 *
 * out: row stride ldo bytes · a: [depth, rows], stride lda · x: [depth, width], stride ldx, not read past width
 * scratch: 256 · (rows + ⌈width/8⌉·8) floats · depth: M · rows: N · width: K
 */
export function gemm_tn_f32(
  out: usize, ldo: usize, a: usize, lda: usize, x: usize, ldx: usize, scratch: usize,
  depth: usize, rows: usize, width: usize,
): void {
  const panels = (width + 7) >> 3;
  const xs = scratch + ((rows * CHUNK) << 2);
  // As gemm_f32 does it: tiles of six rows where multiply-add is one instruction, and 6 + 2 rows go better as 4 + 4.
  let six: usize = ASC_FEATURE_RELAXED_SIMD ? rows / 6 : 0;
  if (six && (rows - six * 6) >> 1 == 1) six--;
  const four = (rows - six * 6) >> 2;
  const done = six * 6 + (four << 2);
  const two = (rows - done) >> 1;
  for (let m: usize = 0; m < depth; m += CHUNK) {
    const chunk = min(depth - m, CHUNK);
    const panelBytes = chunk << 5;
    packTiles(scratch, a + m * lda, lda, chunk, six, four, two, rows & 1);
    pack_columns_f32(xs, x + m * ldx, ldx, chunk, width);
    let o = out;
    let t = scratch;
    // Tiles outermost: a tile's outputs lie one after the other.
    if (ASC_FEATURE_RELAXED_SIMD) {
      for (let n: usize = 0; n < six; n++) {
        for (let p: usize = 0; p < panels; p++) gemm_tn_f32_6x8(o + (p << 5), ldo, t, xs + p * panelBytes, chunk);
        o += 6 * ldo;
        t += 24 * chunk;
      }
    }
    for (let n: usize = 0; n < four; n++) {
      for (let p: usize = 0; p < panels; p++) gemm_tn_f32_4x8(o + (p << 5), ldo, t, xs + p * panelBytes, chunk);
      o += ldo << 2;
      t += chunk << 4;
    }
    if (two) {
      for (let p: usize = 0; p < panels; p++) gemm_tn_f32_2x8(o + (p << 5), ldo, t, xs + p * panelBytes, chunk);
      o += ldo << 1;
      t += chunk << 3;
    }
    if (rows & 1) {
      for (let p: usize = 0; p < panels; p++) gemm_tn_f32_1x8(o + (p << 5), t, xs + p * panelBytes, chunk);
    }
  }
}

/**
 * Columns of a as tiles, [chunk][6], [chunk][4] …, one tile behind the other. Four rows at a time: so few lines of the
 * cache are in use that none of them is lost before all of it has been read or written.
 */
function packTiles(
  out: usize, a: usize, lda: usize, chunk: usize, six: usize, four: usize, two: usize, one: usize,
): void {
  for (let m: usize = 0; m < chunk; m += 4) {
    const count = min(chunk - m, 4);
    let from = a + m * lda;
    let tile = out;
    for (let n: usize = 0; n < six; n++) {
      const to = tile + m * 24;
      for (let r: usize = 0; r < count; r++) {
        v128.store(to + r * 24, v128.load(from + r * lda));
        store<u64>(to + r * 24, load<u64>(from + r * lda, 16), 16);
      }
      from += 24;
      tile += chunk * 24;
    }
    for (let n: usize = 0; n < four; n++) {
      const to = tile + (m << 4);
      for (let r: usize = 0; r < count; r++) v128.store(to + (r << 4), v128.load(from + r * lda));
      from += 16;
      tile += chunk << 4;
    }
    if (two) {
      const to = tile + (m << 3);
      for (let r: usize = 0; r < count; r++) store<u64>(to + (r << 3), load<u64>(from + r * lda));
      from += 8;
      tile += chunk << 3;
    }
    if (one) {
      const to = tile + (m << 2);
      for (let r: usize = 0; r < count; r++) store<f32>(to + (r << 2), load<f32>(from + r * lda));
    }
  }
}
