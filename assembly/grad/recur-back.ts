import { gemm_f32 } from '../gemm/gemm';
import { groupsOf, rowsOf } from '../layer/shape';
import { diagonal_back_f32 } from './diagonal';

/** Floats of a row of dh or dc: a part's units up to a multiple of 8, the width of a panel. */
// @ts-ignore: decorator
@inline
export function backUnits(units: usize): usize {
  return (units + 7) & ~7;
}

/**
 * dh += dz W_hh for one phase of one part, for each stream.
 *
 * ldh, ldz: row strides in bytes · dh: [B][⌈units/8⌉·8] · dz: [B] rows of the phase, padding rows 0
 * whhT: the phase's recurrent weights, transposed: panels [⌈units/8⌉][rows][8], or when diagonal one value a row
 */
// @ts-ignore: decorator
@inline
export function recurBack(
  dh: usize, ldh: usize, dz: usize, ldz: usize, whhT: usize, batch: usize, units: usize, diagonal: bool, gates: usize,
): void {
  if (diagonal) {
    for (let b: usize = 0; b < batch; b++) {
      diagonal_back_f32(dh + b * ldh, dz + b * ldz, whhT, groupsOf(units), gates);
    }
  } else {
    gemm_f32(dh, ldh, dh, ldh, dz, ldz, whhT, batch, rowsOf(units, gates), backUnits(units) >> 3);
  }
}

/** Zeroes a phase's rows past its units: they meet weights too. */
// @ts-ignore: decorator
@inline
export function clearPadding(dz: usize, units: usize, gates: usize): void {
  const used = groupsOf(units) * gates * 4;
  if (used < rowsOf(units, gates)) v128.store(dz + (used << 2), f32x4.splat(0));
}
