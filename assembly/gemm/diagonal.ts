import { madd } from '../simd/madd';

/**
 * The recurrence of a diagonal layer: every unit reads itself alone, so W h is an element-wise product.
 * out, init, w: [groups][gates][4 units], h: [4·groups]; out = init + w ∘ h, h repeated for each gate.
 * out may be init. Byte addresses; groups, gates: counts.
 */
export function diagonal_f32(out: usize, init: usize, h: usize, w: usize, groups: usize, gates: usize): void {
  for (let g: usize = 0; g < groups; g++) {
    const state = v128.load(h);
    h += 16;
    for (let k: usize = 0; k < gates; k++) {
      v128.store(out, madd(v128.load(w), state, v128.load(init)));
      out += 16;
      init += 16;
      w += 16;
    }
  }
}
