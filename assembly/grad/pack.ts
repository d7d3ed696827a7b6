import { pack_f32 } from '../gemm/pack';
import { loadLanes } from '../simd/lanes';

/**
 * The forms in which gemm_f32 reads weights that have changed: forward, and transposed for the way back.
 *
 *   x [rows, width]   pack_panels_f32    [rows/8][width][8]     panels of eight rows: y = x Wᵀ
 *                     pack_columns_f32   [⌈width/8⌉][rows][8]   panels of eight columns: dx = dy W
 */

/** out [rows/8][depth][8] of x [rows, depth], row stride ldx bytes. rows: a multiple of 8. */
export function pack_panels_f32(out: usize, x: usize, ldx: usize, rows: usize, depth: usize): void {
  for (let row: usize = 0; row < rows; row += 4) {
    pack_f32(out + (((row & ~7) * depth + (row & 4)) << 2), x + row * ldx, ldx, 4, depth);
  }
}

/** out [⌈width/8⌉][rows][8] of x [rows, width], row stride ldx bytes; zeros past width, where x is not read. */
export function pack_columns_f32(out: usize, x: usize, ldx: usize, rows: usize, width: usize): void {
  const whole = width >> 3;
  const rest = width & 7;
  const panelBytes = rows << 5;
  // Four rows at a time: so few lines of the cache are in use that each is read or written whole before it is lost.
  for (let r: usize = 0; r < rows; r += 4) {
    const count = min(rows - r, 4);
    let from = x + r * ldx;
    let to = out + (r << 5);
    for (let p: usize = 0; p < whole; p++) {
      for (let i: usize = 0; i < count; i++) {
        v128.store(to + (i << 5), v128.load(from + i * ldx));
        v128.store(to + (i << 5), v128.load(from + i * ldx, 16), 16);
      }
      from += 32;
      to += panelBytes;
    }
    if (rest) {
      for (let i: usize = 0; i < count; i++) {
        v128.store(to + (i << 5), loadLanes(from + i * ldx, rest));
        v128.store(to + (i << 5), loadLanes(from + i * ldx + 16, rest > 4 ? rest - 4 : 0), 16);
      }
    }
  }
}
