import { madd } from '../simd/madd';

/** The operations by number; src/model/kinds.ts holds the same numbers. */
export const ADD: usize = 0;
export const SUBTRACT: usize = 1;
export const MULTIPLY: usize = 2;
export const DIVIDE: usize = 3;

/**
 * y = a ∘ b, element by element, ∘ by its number. y, a, b: [rows, width], y may be a or b · row strides in bytes. Rows are
 * padded as in activate.ts, and the padding of y is written too.
 */
export function combine_f32(
  y: usize, ldy: usize, a: usize, lda: usize, b: usize, ldb: usize, rows: usize, width: usize, code: usize,
): void {
  for (let r: usize = 0; r < rows; r++) {
    for (let i: usize = 0; i < width << 2; i += 16) {
      v128.store(y + r * ldy + i, combine(code, v128.load(a + r * lda + i), v128.load(b + r * ldb + i)));
    }
  }
}

// @ts-ignore: decorator
@inline
function combine(code: usize, a: v128, b: v128): v128 {
  if (code == ADD) return f32x4.add(a, b);
  if (code == SUBTRACT) return f32x4.sub(a, b);
  if (code == MULTIPLY) return f32x4.mul(a, b);
  return f32x4.div(a, b);
}

/**
 * y = x · w + b, element by element. x, y: [rows, width], y may be x · w, b: [width] · row strides in bytes. Padded as
 * above; w and b are padded too.
 */
export function scale_f32(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, b: usize, rows: usize, width: usize): void {
  for (let r: usize = 0; r < rows; r++) {
    for (let i: usize = 0; i < width << 2; i += 16) {
      v128.store(y + r * ldy + i, madd(v128.load(x + r * ldx + i), v128.load(w + i), v128.load(b + i)));
    }
  }
}

/** y = x. x, y: [rows, width] · row strides in bytes. Nothing beside y is written. */
export function copy_f32(y: usize, ldy: usize, x: usize, ldx: usize, rows: usize, width: usize): void {
  for (let r: usize = 0; r < rows; r++) memory.copy(y + r * ldy, x + r * ldx, width << 2);
}

/**
 * y_j = x of order_j, row by row
 *
 * x: rows of stride ldx in bytes · y: [rows, width], stride ldy, apart from x · order: [width] i32, each a column of x
 */
export function gather_f32(y: usize, ldy: usize, x: usize, ldx: usize, order: usize, rows: usize, width: usize): void {
  for (let m: usize = 0; m < rows; m++) {
    const from = x + m * ldx;
    const to = y + m * ldy;
    for (let j: usize = 0; j < width; j++) {
      store<f32>(to + (j << 2), load<f32>(from + (<usize>load<u32>(order + (j << 2)) << 2)));
    }
  }
}
