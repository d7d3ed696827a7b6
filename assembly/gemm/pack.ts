/**
 * Writes up to four rows of a matrix as lanes of a panel (see tile.ts): out[k·8 + r] = x[r][k].
 *
 * out: address of the first lane, a multiple of 16 where rows is 4 · x: [rows, depth], row stride ldx in bytes
 * rows: 1..4 · depth: K
 */
export function pack_f32(out: usize, x: usize, ldx: usize, rows: usize, depth: usize): void {
  let k: usize = 0;
  if (rows == 4) {
    const xb = x + ldx;
    const xc = xb + ldx;
    const xd = xc + ldx;
    for (; k + 4 <= depth; k += 4) {
      const at = k << 2;
      const a = v128.load(x + at);
      const b = v128.load(xb + at);
      const c = v128.load(xc + at);
      const d = v128.load(xd + at);
      // Four by four, transposed: first in pairs, then the pairs.
      const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
      const ef = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const gh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      const to = out + (k << 5);
      v128.store(to, v128.shuffle<f64>(ab, cd, 0, 2));
      v128.store(to, v128.shuffle<f64>(ab, cd, 1, 3), 32);
      v128.store(to, v128.shuffle<f64>(ef, gh, 0, 2), 64);
      v128.store(to, v128.shuffle<f64>(ef, gh, 1, 3), 96);
    }
  }
  for (; k < depth; k++) {
    for (let r: usize = 0; r < rows; r++) {
      store<f32>(out + (k << 5) + (r << 2), load<f32>(x + r * ldx + (k << 2)));
    }
  }
}
