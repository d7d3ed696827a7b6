import { madd } from '../simd/madd';

/**
 * What the recurrence of a diagonal layer hands back: dh += Σ over gates of w ∘ dz, gate after gate.
 * dh: [4·groups] · dz, w: [groups][gates][4 units]. Byte addresses; groups, gates: counts.
 */
export function diagonal_back_f32(dh: usize, dz: usize, w: usize, groups: usize, gates: usize): void {
  for (let g: usize = 0; g < groups; g++) {
    let sum = v128.load(dh);
    for (let k: usize = 0; k < gates; k++) {
      sum = madd(v128.load(w), v128.load(dz), sum);
      dz += 16;
      w += 16;
    }
    v128.store(dh, sum);
    dh += 16;
  }
}
