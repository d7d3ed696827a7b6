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

/**
 * The gradient of its weights, or of others that stand in rows: dw[g][gate] += Σ dz[m][g][gate] ∘ h[m][g], in order of m,
 * for the first `some` of the gates. Other gates' begin where dw and dz do.
 * dw: [groups][gates][4 units] · dz: [rows], each as dw, stride ldz bytes · h: [rows, 4·groups], stride ldh
 */
export function diagonal_grad_f32(
  dw: usize, dz: usize, ldz: usize, h: usize, ldh: usize, rows: usize, groups: usize, gates: usize, some: usize,
): void {
  const others = (gates - some) << 4;
  for (let m: usize = 0; m < rows; m++) {
    let to = dw;
    let from = dz;
    for (let g: usize = 0; g < groups; g++) {
      const state = v128.load(h + (g << 4));
      for (let k: usize = 0; k < some; k++) {
        v128.store(to, madd(v128.load(from), state, v128.load(to)));
        to += 16;
        from += 16;
      }
      to += others;
      from += others;
    }
    dz += ldz;
    h += ldh;
  }
}
