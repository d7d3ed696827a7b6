import { hashLanes, keyOf, mix } from './draw';

/**
 * y[m][j] = hash(seed, row0 + m, j) ≥ threshold ? x[m][j] · scale : 0, with the hash of draw.ts: any split of the rows
 * drops the same values, and the way back is the same call over gradients.
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
  const start = mix(<u32>seed);
  for (let m: usize = 0; m < rows; m++) {
    const key = keyOf(start, row0 + m);
    const keys = i32x4.splat(key);
    const more = i32x4.splat(mix(key));
    const from = x + m * ldx;
    const to = y + m * ldy;
    let columns = i32x4(0, 1, 2, 3);
    for (let j: usize = 0; j < width << 2; j += 16) {
      const kept = i32x4.ge_u(hashLanes(keys, more, columns), least);
      v128.store(to + j, v128.and(f32x4.mul(v128.load(from + j), scales), kept));
      columns = i32x4.add(columns, four);
    }
  }
}
