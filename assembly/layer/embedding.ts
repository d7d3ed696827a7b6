/**
 * y[m] = table[ids[m]]
 *
 * y: [rows, width] stride ldy bytes · ids: [rows] i32, checked by the caller · table: [count, width], stride ldt
 */
export function embedding_f32(y: usize, ldy: usize, ids: usize, table: usize, ldt: usize, rows: usize, width: usize): void {
  for (let m: usize = 0; m < rows; m++) {
    memory.copy(y + m * ldy, table + <usize>load<u32>(ids + (m << 2)) * ldt, width << 2);
  }
}
