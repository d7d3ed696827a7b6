import { loadLanes } from '../simd/lanes';

/**
 * dtable[ids[m]] += dy[m], in order of m.
 *
 * dtable: [count, ⌈width/4⌉·4], stride ldt bytes; columns past width get + 0 · ids: [rows] i32, checked by the caller
 * dy: [rows, width], stride ldy, not read past width
 */
export function embedding_grad_f32(
  dtable: usize, ldt: usize, ids: usize, dy: usize, ldy: usize, rows: usize, width: usize,
): void {
  for (let m: usize = 0; m < rows; m++) {
    const to = dtable + <usize>load<u32>(ids + (m << 2)) * ldt;
    const from = dy + m * ldy;
    for (let j: usize = 0; j < width; j += 4) {
      const at = j << 2;
      v128.store(to + at, f32x4.add(v128.load(to + at), loadLanes(from + at, width - j)));
    }
  }
}
