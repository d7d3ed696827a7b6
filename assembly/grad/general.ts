import { candidate, gate, hasPeepholes, isCoupled, outward } from '../cell/parameters';
import { elman_general_step_f32, lstm_general_step_f32 } from '../layer/general';
import { rowsOf } from '../layer/shape';
import { ended, zero } from '../layer/stream';
import { ONE } from '../math/table';
import { storePadded } from '../simd/lanes';
import { madd } from '../simd/madd';
import { clearPadding, recurBack } from './recur-back';
import { candidateSlope, gateSlope, outwardSlope } from './slope';

/**
 * Cells whose functions are the layer's own. Of most functions the value does not tell the slope, so their tapes hold
 * pre-activations, and the way back takes each function anew.
 *
 * The derivative of lstm_general_cell_f32. With the sums z of the gates, peepholes among them, t = h(c), and ⌊x⌉′ = 1
 * within ±clip, else 0:
 *
 *   e = dc + d o h′(c) + p_o dz_o                dz_o = d t f′(z_o)       dz_g = e i g′(z_g)
 *   dz_f = e before f′(z_f), or 0                dz_i = e g f′(z_i), coupled: e (g − before) f′(z_i)
 *   dc' = e φ + p_i dz_i + p_f dz_f
 *
 * z: [⌈units/4⌉][i f g o][4] pre-activations, replaced by dz · dc: [⌈units/4⌉·4] from the step after, replaced by what this
 * step hands on · d: [units] what arrives at h, replaced by 0 · c, before: [units] cell states; d and they are read a vector
 * at a time, and what lies past them changes nothing · p: peepholes, read where there are some · table: the layer's own
 */
export function lstmBackCell(z: usize, dc: usize, d: usize, c: usize, before: usize, p: usize, table: usize, units: usize): void {
  const coupled = isCoupled(table);
  const peeps = hasPeepholes(table);
  for (let u: usize = 0; u < units << 2; u += 16) {
    const at = z + (u << 2);
    const hole = p + (u << 2);
    const left = units - (u >> 2);
    const cell = v128.load(c + u);
    const old = v128.load(before + u);
    const arrived = v128.load(d + u);
    let zi = v128.load(at);
    let zf = v128.load(at, 16);
    const zg = v128.load(at, 32);
    let zo = v128.load(at, 48);
    if (peeps) {
      zi = madd(v128.load(hole), old, zi);
      zf = madd(v128.load(hole, 16), old, zf);
      zo = madd(v128.load(hole, 48), cell, zo);
    }
    const input = gate(zi, table);
    const forget = coupled ? f32x4.sub(v128.load(table, ONE), input) : gate(zf, table);
    const fresh = candidate(zg, table);
    const dO = f32x4.mul(f32x4.mul(arrived, outward(cell, table)), gateSlope(zo, table));
    let e = madd(f32x4.mul(arrived, gate(zo, table)), outwardSlope(cell, table), v128.load(dc + u));
    if (peeps) e = madd(v128.load(hole, 48), dO, e);
    const taken = coupled ? f32x4.sub(fresh, old) : fresh;
    const dI = f32x4.mul(f32x4.mul(e, taken), gateSlope(zi, table));
    const dF = coupled ? f32x4.splat(0) : f32x4.mul(f32x4.mul(e, old), gateSlope(zf, table));
    storePadded(at, dI, left);
    storePadded(at + 16, dF, left);
    storePadded(at + 32, f32x4.mul(f32x4.mul(e, input), candidateSlope(zg, table)), left);
    storePadded(at + 48, dO, left);
    let kept = f32x4.mul(e, forget);
    if (peeps) kept = madd(v128.load(hole), dI, madd(v128.load(hole, 16), dF, kept));
    v128.store(dc + u, kept);
    v128.store(d + u, f32x4.splat(0));
  }
}

/** The cell states go on to the next step's rows, where a cell that works in place finds them. */
export function carryCells(c: usize, before: usize, ldc: usize, batch: usize, units: usize): void {
  for (let b: usize = 0; b < batch; b++) memory.copy(c + b * ldc, before + b * ldc, units << 2);
}

/** One step on tape. p: the part's peepholes. Others as in lstm_tape_step_f32. */
export function lstm_general_tape_step_f32(
  y: usize, h: usize, ldy: usize, c: usize, before: usize, ldc: usize, z: usize, whh: usize, p: usize, table: usize, lengths: usize,
  time: usize, batch: usize, units: usize, diagonal: bool,
): void {
  carryCells(c, before, ldc, batch, units);
  lstm_general_step_f32(y, ldy, h, ldy, c, ldc, z, whh, p, table, lengths, time, batch, units, diagonal, 0, units);
}

/** The same step backwards. Arguments as in lstm_back_step_f32, and p. */
export function lstm_general_back_step_f32(
  dy: usize, lddy: usize, c: usize, before: usize, ldc: usize, z: usize, dh: usize, dc: usize, ldh: usize, whhT: usize, p: usize,
  table: usize, lengths: usize, time: usize, batch: usize, units: usize, diagonal: bool,
): void {
  const ldz = rowsOf(units, 4) << 2;
  for (let b: usize = 0; b < batch; b++) {
    const to = z + b * ldz;
    if (ended(lengths, b, time)) {
      zero(to, ldz >> 2);
      continue;
    }
    const d = dh + b * ldh;
    for (let u: usize = 0; u < units << 2; u += 16) {
      v128.store(d + u, f32x4.add(v128.load(d + u), v128.load(dy + b * lddy + u)));
    }
    lstmBackCell(to, dc + b * ldh, d, c + b * ldc, before + b * ldc, p, table, units);
  }
  if (time) recurBack(dh, ldh, z, ldz, whhT, batch, units, diagonal, 4);
}

/** One step of an Elman layer on tape. Arguments as in elman_tape_step_f32. */
export function elman_general_tape_step_f32(
  y: usize, h: usize, ldy: usize, z: usize, whh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool,
): void {
  elman_general_step_f32(y, ldy, h, ldy, z, whh, table, lengths, time, batch, units, diagonal, 0, units);
}

/** The same step backwards: dz = (dy + dh) f′(z). Arguments as in elman_back_step_f32. */
export function elman_general_back_step_f32(
  dy: usize, lddy: usize, z: usize, dh: usize, ldh: usize, whhT: usize, table: usize,
  lengths: usize, time: usize, batch: usize, units: usize, diagonal: bool,
): void {
  const ldz = rowsOf(units, 1) << 2;
  for (let b: usize = 0; b < batch; b++) {
    const to = z + b * ldz;
    if (ended(lengths, b, time)) {
      zero(to, ldz >> 2);
      continue;
    }
    for (let u: usize = 0; u < units << 2; u += 16) {
      const own = dh + b * ldh + u;
      const d = f32x4.add(v128.load(dy + b * lddy + u), v128.load(own));
      storePadded(to + u, f32x4.mul(d, gateSlope(v128.load(to + u), table)), units - (u >> 2));
      v128.store(own, f32x4.splat(0));
    }
    clearPadding(to, units, 1);
  }
  if (time) recurBack(dh, ldh, z, ldz, whhT, batch, units, diagonal, 1);
}
