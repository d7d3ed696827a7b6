/**
 * y of order_j = x_j, row by row: the way back of gather_f32, where each index comes once
 *
 * x: [rows, width], stride ldx in bytes, apart from y · y: rows of stride ldy; what no index is of stays as it is
 * order: [width] i32, each a column of y; of one that comes again the last value stays
 */
export function scatter_f32(y: usize, ldy: usize, x: usize, ldx: usize, order: usize, rows: usize, width: usize): void {
  for (let m: usize = 0; m < rows; m++) {
    const from = x + m * ldx;
    const to = y + m * ldy;
    for (let j: usize = 0; j < width; j++) {
      store<f32>(to + (<usize>load<u32>(order + (j << 2)) << 2), load<f32>(from + (j << 2)));
    }
  }
}

/** y of order_j = 0. y: floats · order: [count] i32, the same place any number of times */
export function clear_places_f32(y: usize, order: usize, count: usize): void {
  for (let j: usize = 0; j < count << 2; j += 4) store<f32>(y + (<usize>load<u32>(order + j) << 2), 0);
}

/** y of order_j += x_j, in order of j. y: floats, apart from x: [count] · order: [count] i32, the same place any number of times */
export function add_places_f32(y: usize, x: usize, order: usize, count: usize): void {
  for (let j: usize = 0; j < count << 2; j += 4) {
    const to = y + (<usize>load<u32>(order + j) << 2);
    store<f32>(to, load<f32>(to) + load<f32>(x + j));
  }
}
