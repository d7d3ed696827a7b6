/**
 * The way back through the array kernels of math/activate.ts, from their output y: dx = dy ∘ f′.
 * dx, dy, y: [rows, ⌈width/4⌉·4], strides in bytes; dx may be dy. Padding is computed like the rest.
 */

/** tanh′ = 1 − y² */
export function tanh_back_f32(
  dx: usize, lddx: usize, dy: usize, lddy: usize, y: usize, ldy: usize, rows: usize, width: usize,
): void {
  const one = f32x4.splat(1);
  for (let m: usize = 0; m < rows; m++) {
    for (let i: usize = 0; i < width << 2; i += 16) {
      const v = v128.load(y + m * ldy + i);
      // (1 − y)(1 + y) keeps its digits where y is near 1.
      const slope = f32x4.mul(f32x4.sub(one, v), f32x4.add(one, v));
      v128.store(dx + m * lddx + i, f32x4.mul(v128.load(dy + m * lddy + i), slope));
    }
  }
}

/** σ′ = y (1 − y) */
export function sigmoid_back_f32(
  dx: usize, lddx: usize, dy: usize, lddy: usize, y: usize, ldy: usize, rows: usize, width: usize,
): void {
  const one = f32x4.splat(1);
  for (let m: usize = 0; m < rows; m++) {
    for (let i: usize = 0; i < width << 2; i += 16) {
      const v = v128.load(y + m * ldy + i);
      const slope = f32x4.mul(v, f32x4.sub(one, v));
      v128.store(dx + m * lddx + i, f32x4.mul(v128.load(dy + m * lddy + i), slope));
    }
  }
}

/** relu′ = y > 0 ? 1 : 0 */
export function relu_back_f32(
  dx: usize, lddx: usize, dy: usize, lddy: usize, y: usize, ldy: usize, rows: usize, width: usize,
): void {
  const zero = f32x4.splat(0);
  for (let m: usize = 0; m < rows; m++) {
    for (let i: usize = 0; i < width << 2; i += 16) {
      const passes = f32x4.gt(v128.load(y + m * ldy + i), zero);
      v128.store(dx + m * lddx + i, v128.and(v128.load(dy + m * lddy + i), passes));
    }
  }
}
