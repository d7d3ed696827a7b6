import { elman_relu_cell_f32, elman_tanh_cell_f32 } from '../cell/elman';
import { relu } from '../math/gates';
import { storeLanes } from '../simd/lanes';
import { madd } from '../simd/madd';
import { groupsOf, rowsOf } from './shape';
import { ended, zero } from './stream';
import { recur } from './recur';

/** One step of an Elman layer: y = f(z + W_hh h). Arguments as in recurrent_step_f32. */
export function elman_step_f32(
  y: usize, ldy: usize, h: usize, ldh: usize, z: usize, whh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool, u0: usize, u1: usize, rectify: bool,
): void {
  const ldz = rowsOf(units, 1) << 2;
  const row = groupsOf(u0) << 4;
  recur(z + row, ldz, z + row, ldz, h, ldh, whh, batch, units, diagonal, u0, u1, 1);
  for (let b: usize = 0; b < batch; b++) {
    const to = y + b * ldy + (u0 << 2);
    if (ended(lengths, b, time)) zero(to, u1 - u0);
    else if (rectify) elman_relu_cell_f32(to, z + b * ldz + row, u1 - u0);
    else elman_tanh_cell_f32(to, z + b * ldz + row, table, u1 - u0);
  }
}

/**
 * T steps of a diagonal layer with relu, the IndRNN of Li et al. 2018: h = max(0, z + u h). Units outermost, so that h and u
 * stay in registers for all steps: with nothing else to compute, loads and stores would be most of a step.
 *
 * y: [T, B] outputs of the part · h: [B] the state before · z: [T, B][rows] · whh: the part's u, [rows]
 * lengths: [B] or 0 · time: number of the first step · ld*: row strides in bytes
 */
export function elman_relu_diagonal_f32(
  y: usize, ldy: usize, h: usize, ldh: usize, z: usize, ldz: usize, whh: usize, lengths: usize, time: usize, steps: usize,
  batch: usize, units: usize,
): void {
  const nextY = batch * ldy;
  const nextZ = batch * ldz;
  for (let b: usize = 0; b < batch; b++) {
    let live = steps;
    if (lengths) {
      const length = <usize>load<u32>(lengths + (b << 2));
      live = length > time ? min(steps, length - time) : 0;
    }
    const out = y + b * ldy;
    const before = h + b * ldh;
    const own = z + b * ldz;
    let i: usize = 0;
    for (; i + 16 <= units; i += 16) {
      const at = i << 2;
      const u0 = v128.load(whh + at);
      const u1 = v128.load(whh + at, 16);
      const u2 = v128.load(whh + at, 32);
      const u3 = v128.load(whh + at, 48);
      let h0 = v128.load(before + at);
      let h1 = v128.load(before + at, 16);
      let h2 = v128.load(before + at, 32);
      let h3 = v128.load(before + at, 48);
      let from = own + at;
      let to = out + at;
      for (let t: usize = 0; t < live; t++) {
        h0 = relu(madd(u0, h0, v128.load(from)));
        h1 = relu(madd(u1, h1, v128.load(from, 16)));
        h2 = relu(madd(u2, h2, v128.load(from, 32)));
        h3 = relu(madd(u3, h3, v128.load(from, 48)));
        v128.store(to, h0);
        v128.store(to, h1, 16);
        v128.store(to, h2, 32);
        v128.store(to, h3, 48);
        from += nextZ;
        to += nextY;
      }
    }
    for (; i < units; i += 4) {
      const u = v128.load(whh + (i << 2));
      let state = v128.load(before + (i << 2));
      for (let t: usize = 0; t < live; t++) {
        state = relu(madd(u, state, v128.load(own + t * nextZ + (i << 2))));
        storeLanes(out + t * nextY + (i << 2), state, units - i);
      }
    }
    for (let t = live; t < steps; t++) zero(out + t * nextY, units);
  }
}
