import { blockBytes, rowsAt } from '../layer/normed';
import { high, low } from '../math/norm';
import { keepLanes, storePadded } from '../simd/lanes';
import { backUnits, clearPadding, recurBack } from './recur-back';

/**
 * What the layers with layer normalisation have in common on the way back. With n = (v − mean) / √(variance + epsilon) over
 * all v, a = gain n + bias, and da what comes to a:
 *
 *   dv = (da gain − mean of da gain − n · mean of da gain n) / √(variance + epsilon)      dgain = Σ da n      dbias = Σ da
 *
 * (Ba et al. 2016.) Sums over units are f64, as in norm.ts. Those over steps are kept for each stream by itself, and added up
 * stream after stream once all have run: so they do not depend on who had which.
 *
 * A tape has the rows of each block together, z and s [blocks][T·B][rows of a block]; vectors of rows, what comes to them, and
 * their sums are [blocks][rows of a block].
 */

/** f64 lanes 0 and 1, or 2 and 3, of n(v). */
// @ts-ignore: decorator
@inline
export function centred(half: v128, mean: f64, scale: f64): v128 {
  return f64x2.mul(f64x2.sub(half, f64x2.splat(mean)), f64x2.splat(scale));
}

/** Two halves, each rounded once. */
// @ts-ignore: decorator
@inline
export function rounded(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 1, 4, 5);
}

// @ts-ignore: decorator
@inline
export function bothLanes(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

/** out += d ∘ n, product and n in f64. n0, n1: its halves */
// @ts-ignore: decorator
@inline
export function addProduct(out: usize, d: v128, n0: v128, n1: v128): void {
  v128.store(out, f32x4.add(v128.load(out), rounded(f64x2.mul(low(d), n0), f64x2.mul(high(d), n1))));
}

/** out += d */
// @ts-ignore: decorator
@inline
export function addTo(out: usize, d: v128): void {
  v128.store(out, f32x4.add(v128.load(out), d));
}

/**
 * Through one normalisation of all rows.
 *
 * v: rows of one step and stream, replaced by dv, all padding by 0 · apart: bytes between their blocks · d: [rows] da, 0 past
 * a block's units · gain: [rows] · dgain, dbias: [rows] added to; dbias may be 0, for nobody asks · mean, scale: of v, as
 * meanOf and scaleOf have them
 */
export function normedRowsBack(
  v: usize, apart: usize, d: usize, gain: usize, dgain: usize, dbias: usize, units: usize, block: usize, gates: usize, mean: f64,
  scale: f64,
): void {
  const bytes = blockBytes(block, gates);
  let sum = f64x2.splat(0);
  let product = f64x2.splat(0);
  for (let first: usize = 0; first < units; first += block) {
    let from = rowsAt(v, first, block, gates, apart);
    let at = rowsAt(0, first, block, gates, bytes);
    for (let u: usize = 0; u < block; u += 4) {
      for (let g: usize = 0; g < gates; g++) {
        const da = v128.load(d + at);
        const value = keepLanes(v128.load(from), block - u, f32x4.splat(0));
        const n0 = centred(low(value), mean, scale);
        const n1 = centred(high(value), mean, scale);
        const w = v128.load(gain + at);
        const d0 = f64x2.mul(low(da), low(w));
        const d1 = f64x2.mul(high(da), high(w));
        sum = f64x2.add(sum, f64x2.add(d0, d1));
        product = f64x2.add(product, f64x2.add(f64x2.mul(d0, n0), f64x2.mul(d1, n1)));
        addProduct(dgain + at, da, n0, n1);
        if (dbias) addTo(dbias + at, da);
        from += 16;
        at += 16;
      }
    }
  }
  const count = <f64>(units * gates);
  const usual = f64x2.splat(bothLanes(sum) / count);
  const along = f64x2.splat(bothLanes(product) / count);
  const factor = f64x2.splat(scale);
  for (let first: usize = 0; first < units; first += block) {
    const own = rowsAt(v, first, block, gates, apart);
    let to = own;
    let at = rowsAt(0, first, block, gates, bytes);
    for (let u: usize = 0; u < block; u += 4) {
      for (let g: usize = 0; g < gates; g++) {
        const da = v128.load(d + at);
        const w = v128.load(gain + at);
        const value = v128.load(to);
        const n0 = centred(low(value), mean, scale);
        const n1 = centred(high(value), mean, scale);
        const a = f64x2.sub(f64x2.sub(f64x2.mul(low(da), low(w)), usual), f64x2.mul(n0, along));
        const b = f64x2.sub(f64x2.sub(f64x2.mul(high(da), high(w)), usual), f64x2.mul(n1, along));
        storePadded(to, rounded(f64x2.mul(a, factor), f64x2.mul(b, factor)), block - u);
        to += 16;
        at += 16;
      }
    }
    clearPadding(own, block, gates);
  }
}

/**
 * dh += ds W_hh, block by block, for each stream.
 *
 * dh: [B][blocks][⌈block/8⌉·8], ldh bytes apart · ds: rows of one step, all padding 0 · whhT: as in recurrent_back_f32
 */
export function recurBlocksBack(
  dh: usize, ldh: usize, ds: usize, apart: usize, whhT: usize, batch: usize, units: usize, block: usize, diagonal: bool, gates: usize,
): void {
  const ldz = blockBytes(block, gates);
  const weights: usize = diagonal ? 0 : ldz * backUnits(block);
  for (let n: usize = 0; n * block < units; n++) {
    const own = dh + n * (backUnits(block) << 2);
    recurBack(own, ldh, ds + n * apart, ldz, whhT + n * weights, batch, block, diagonal, gates);
  }
}

/** Zeroes the rows of one step and stream in every block. */
export function clearBlocks(z: usize, apart: usize, units: usize, block: usize, gates: usize): void {
  for (let first: usize = 0; first < units; first += block) {
    memory.fill(rowsAt(z, first, block, gates, apart), 0, blockBytes(block, gates));
  }
}
