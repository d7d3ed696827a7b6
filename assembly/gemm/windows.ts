import { gemm_f32 } from './gemm';

/**
 * gemm_f32 where each panel reads K inputs from a place of its own on: panels that stand together and read the same go
 * together.
 *
 * windows: [panels] u32, in bytes from x on; other arguments as in gemm_f32
 */
export function windows_f32(
  out: usize, ldo: usize, init: usize, ldi: usize, x: usize, ldx: usize, windows: usize, w: usize,
  rows: usize, depth: usize, panels: usize,
): void {
  for (let p: usize = 0; p < panels; ) {
    const window = load<u32>(windows + (p << 2));
    let end = p + 1;
    while (end < panels && load<u32>(windows + (end << 2)) == window) end++;
    const first = p << 5;
    gemm_f32(out + first, ldo, init + first, ldi, x + <usize>window, ldx, w + first * depth, rows, depth, end - p);
    p = end;
  }
}
