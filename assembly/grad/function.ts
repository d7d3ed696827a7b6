import { slopeOf } from './slope';

/**
 * The way back through function_f32, from its argument: dx = dy ∘ f′(x), f by its number, with its alpha and beta.
 *
 * dx, dy, x: [rows, ⌈width/4⌉·4], strides in bytes; dx may be dy or x. Padding is computed like the rest.
 */
export function function_back_f32(
  dx: usize, lddx: usize, dy: usize, lddy: usize, x: usize, ldx: usize, table: usize, rows: usize, width: usize,
  code: usize, alpha: f32, beta: f32,
): void {
  for (let m: usize = 0; m < rows; m++) {
    for (let i: usize = 0; i < width << 2; i += 16) {
      const slope = slopeOf(code, v128.load(x + m * ldx + i), alpha, beta, table);
      v128.store(dx + m * lddx + i, f32x4.mul(v128.load(dy + m * lddy + i), slope));
    }
  }
}
