/**
 * y[m][j] = hash(seed, row0 + m, j) ≥ threshold ? x[m][j] · scale : 0. No state goes from one value to the next, so
 * any split of the rows drops the same ones, and the way back is the same call over gradients.
 *
 *   key = mix(mix(seed) + row)                a row's own, of which all that differs between rows follows
 *   hash = mix(key + 0x9e3779b9 · j, mix(key))
 *   mix(v, more) = v ^ v>>16, · 0x7feb352d, ^ v>>15, + more, · 0x846ca68b, ^ v>>16      mod 2^32; more is 0 unless given
 *
 * The multipliers are Chris Wellons' lowbias32, a bijection found by search for low bias; with a second word of key added
 * halfway, two rows share a stretch of their hashes only where 64 bits agree.
 *
 * x, y: [rows, ⌈width/4⌉·4], strides in bytes; y may be x · seed, threshold: u32 · row0: number of the first row
 */
export function dropout_f32(
  y: usize, ldy: usize, x: usize, ldx: usize, rows: usize, width: usize, row0: usize,
  seed: usize, threshold: usize, scale: f32,
): void {
  const scales = f32x4.splat(scale);
  const least = i32x4.splat(<i32>threshold);
  const four = i32x4.splat(4);
  const weyl = i32x4.splat(<i32>0x9e3779b9);
  const one = i32x4.splat(0x7feb352d);
  const two = i32x4.splat(<i32>0x846ca68b);
  const start = mix(<u32>seed);
  for (let m: usize = 0; m < rows; m++) {
    const key = mix(start + <u32>(row0 + m));
    const keys = i32x4.splat(key);
    const more = i32x4.splat(mix(key));
    const from = x + m * ldx;
    const to = y + m * ldy;
    let columns = i32x4(0, 1, 2, 3);
    for (let j: usize = 0; j < width << 2; j += 16) {
      let v = i32x4.add(keys, i32x4.mul(columns, weyl));
      v = i32x4.mul(v128.xor(v, i32x4.shr_u(v, 16)), one);
      v = i32x4.mul(i32x4.add(v128.xor(v, i32x4.shr_u(v, 15)), more), two);
      v = v128.xor(v, i32x4.shr_u(v, 16));
      v128.store(to + j, v128.and(f32x4.mul(v128.load(from + j), scales), i32x4.ge_u(v, least)));
      columns = i32x4.add(columns, four);
    }
  }
}

// @ts-ignore: decorator
@inline
function mix(v: u32): u32 {
  v = (v ^ (v >> 16)) * 0x7feb352d;
  v = (v ^ (v >> 15)) * 0x846ca68b;
  return v ^ (v >> 16);
}
