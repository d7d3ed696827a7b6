import { strips_f32_16x1, strips_f32_4x4, strips_f32_8x4 } from './tile';

/**
 * out = init + W h for some rows of strips and each stream, W in strips of one shape (see tile.ts).
 *
 * A layer's strips lie in the order in which they are met: rows of strips from the first unit to the last, in each
 * gate after gate, as the rows of pre-activations do (assembly/layer/shape.ts):
 *
 *   starts:  [row 0 gate 0][row 0 gate 1] … [row 1 gate 0] …   number of its first strip, and one more for the end
 *   columns: [strip 0][strip 1] …                              where in h each begins, in bytes
 *   values:  [strip 0][strip 1] …
 *
 * out, init: [B] at the first unit's row, strides ldo, ldi in bytes; out may be init · h: [B], stride ldh, all of the
 * layer's state · starts: at the first row of strips, u32 · columns, values: of the whole layer
 * batch: B · count: rows of strips · gates: that a row has · height: units in a strip, which tells its shape: 8×4, 16×1
 * or 4×4
 */
export function strips_f32(
  out: usize, ldo: usize, init: usize, ldi: usize, h: usize, ldh: usize, starts: usize, columns: usize, values: usize,
  batch: usize, count: usize, gates: usize, height: usize,
): void {
  const ldg = gates << 4;
  const shift: usize = height == 8 ? 7 : 6;
  const rest = ((height >> 2) - 1) * ldg;
  for (let row: usize = 0; row < count; row++) {
    for (let gate: usize = 0; gate < gates; gate++) {
      const first = <usize>load<u32>(starts);
      const some = <usize>load<u32>(starts, 4) - first;
      const at = columns + (first << 2);
      const w = values + (first << shift);
      for (let b: usize = 0; b < batch; b++) {
        const to = out + b * ldo;
        const from = init + b * ldi;
        const x = h + b * ldh;
        if (height == 8) strips_f32_8x4(to, from, ldg, x, w, at, some);
        else if (height == 16) strips_f32_16x1(to, from, ldg, x, w, at, some);
        else strips_f32_4x4(to, from, ldg, x, w, at, some);
      }
      starts += 4;
      out += 16;
      init += 16;
    }
    out += rest;
    init += rest;
  }
}
