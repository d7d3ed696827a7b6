import { diagonal_f32 } from '../gemm/diagonal';
import { gemm_f32, gemv_f32 } from '../gemm/gemm';
import { groupsOf, rowsOf } from './shape';

/**
 * out = init + W_hh h for the rows of units [u0, u1) of one part, for each stream.
 *
 * out, init: [B] at the row of u0, strides ldo, ldi in bytes · h: the part's first state, stride ldh
 * whh: the part's recurrent weights: panels [rows/8][units][8], or when diagonal one value a row
 * u0: a multiple of 8, so that its rows begin a panel
 */
// @ts-ignore: decorator
@inline
export function recur(
  out: usize, ldo: usize, init: usize, ldi: usize, h: usize, ldh: usize, whh: usize,
  batch: usize, units: usize, diagonal: bool, u0: usize, u1: usize, gates: usize,
): void {
  const first = groupsOf(u0) * gates * 4;
  if (diagonal) {
    for (let b: usize = 0; b < batch; b++) {
      diagonal_f32(out + b * ldo, init + b * ldi, h + b * ldh + (u0 << 2), whh + (first << 2), groupsOf(u1 - u0), gates);
    }
  } else if (batch == 1) {
    gemv_f32(out, init, h, whh + ((first * units) << 2), units, rowsOf(u1 - u0, gates) >> 3);
  } else {
    gemm_f32(out, ldo, init, ldi, h, ldh, whh + ((first * units) << 2), batch, units, rowsOf(u1 - u0, gates) >> 3);
  }
}
