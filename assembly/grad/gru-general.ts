import { candidate, gate } from '../cell/parameters';
import { gru_after_general_step_f32, gru_before_general_step_f32 } from '../layer/general';
import { groupsOf, rowsOf } from '../layer/shape';
import { ended, zero } from '../layer/stream';
import { ONE } from '../math/table';
import { storePadded } from '../simd/lanes';
import { madd } from '../simd/madd';
import { backUnits, clearPadding, recurBack } from './recur-back';
import { candidateSlope, gateSlope } from './slope';

/**
 * GRUs whose functions are the layer's own; their tapes hold pre-activations, as those of general.ts do.
 *
 * The derivative of gru_after_general_cell_f32. With d = dy + dh, sums a = z + s of r and u, and a_n = z_n + r s_n:
 *
 *   dz_n = d (1 − u) g′(a_n)   dz_r = dz_n s_n f′(a_r)   dz_u = d (h − n) f′(a_u)        dh' = d u
 *   ds_n = dz_n r              ds_r = dz_r               ds_u = dz_u
 *
 * Arguments as in gru_after_back_cell_f32; table: the layer's own
 */
function afterBackCell(z: usize, s: usize, dh: usize, dy: usize, h: usize, table: usize, units: usize): void {
  const one = v128.load(table, ONE);
  for (let i: usize = 0; i < units; i += 4) {
    const left = units - i;
    const ar = f32x4.add(v128.load(z), v128.load(s));
    const au = f32x4.add(v128.load(z, 16), v128.load(s, 16));
    const side = v128.load(s, 32);
    const reset = gate(ar, table);
    const update = gate(au, table);
    const an = madd(reset, side, v128.load(z, 32));
    const d = f32x4.add(v128.load(dy), v128.load(dh));
    const dn = f32x4.mul(f32x4.mul(d, f32x4.sub(one, update)), candidateSlope(an, table));
    const dr = f32x4.mul(f32x4.mul(dn, side), gateSlope(ar, table));
    const du = f32x4.mul(f32x4.mul(d, f32x4.sub(v128.load(h), candidate(an, table))), gateSlope(au, table));
    storePadded(z, dr, left);
    storePadded(z + 16, du, left);
    storePadded(z + 32, dn, left);
    storePadded(s, dr, left);
    storePadded(s + 16, du, left);
    storePadded(s + 32, f32x4.mul(dn, reset), left);
    v128.store(dh, f32x4.mul(d, update));
    z += 48;
    s += 48;
    dh += 16;
    dy += 16;
    h += 16;
  }
}

/**
 * The derivative of gru_before_general_cell_f32. With d = dy + dh:
 *
 *   dz_n = d (1 − u) g′(z_n)   dz_u = d (h − n) f′(z_u)   dh' = d u   dq = 0, which the candidate's product adds to
 *
 * z: [⌈units/4⌉][r u][4] pre-activations, that of u replaced · n: the candidate's, replaced
 * Other arguments as in gru_before_back_cell_f32; table: the layer's own
 */
function beforeBackCell(
  z: usize, n: usize, dh: usize, dq: usize, dy: usize, h: usize, table: usize, units: usize,
): void {
  const one = v128.load(table, ONE);
  for (let i: usize = 0; i < units; i += 4) {
    const left = units - i;
    const au = v128.load(z, 16);
    const an = v128.load(n);
    const update = gate(au, table);
    const d = f32x4.add(v128.load(dy), v128.load(dh));
    const away = f32x4.sub(v128.load(h), candidate(an, table));
    storePadded(n, f32x4.mul(f32x4.mul(d, f32x4.sub(one, update)), candidateSlope(an, table)), left);
    storePadded(z + 16, f32x4.mul(f32x4.mul(d, away), gateSlope(au, table)), left);
    v128.store(dh, f32x4.mul(d, update));
    v128.store(dq, f32x4.splat(0));
    z += 32;
    n += 16;
    dh += 16;
    dq += 16;
    dy += 16;
    h += 16;
  }
}

/** The derivative of gru_before_general_reset_f32: dz_r = dq h f′(z_r), dh += dq f(z_r). */
function beforeBackReset(z: usize, dh: usize, dq: usize, h: usize, table: usize, units: usize): void {
  for (let i: usize = 0; i < units; i += 4) {
    const ar = v128.load(z);
    const d = v128.load(dq);
    storePadded(z, f32x4.mul(f32x4.mul(d, v128.load(h)), gateSlope(ar, table)), units - i);
    v128.store(dh, madd(d, gate(ar, table), v128.load(dh)));
    z += 32;
    dh += 16;
    dq += 16;
    h += 16;
  }
}

/** One step on tape. Arguments as in gru_after_tape_step_f32. */
export function gru_after_general_tape_step_f32(
  y: usize, h: usize, ldy: usize, z: usize, s: usize, whh: usize, bhh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool,
): void {
  gru_after_general_step_f32(y, ldy, h, ldy, z, s, whh, bhh, table, lengths, time, batch, units, diagonal, 0, units);
}

/** The same step backwards. Arguments as in gru_after_back_step_f32. */
export function gru_after_general_back_step_f32(
  dy: usize, lddy: usize, h: usize, ldy: usize, z: usize, s: usize, dh: usize, ldh: usize, whhT: usize, table: usize,
  lengths: usize, time: usize, batch: usize, units: usize, diagonal: bool,
): void {
  const ldz = rowsOf(units, 3) << 2;
  for (let b: usize = 0; b < batch; b++) {
    const input = z + b * ldz;
    const recurrent = s + b * ldz;
    if (ended(lengths, b, time)) {
      zero(input, ldz >> 2);
      zero(recurrent, ldz >> 2);
      continue;
    }
    afterBackCell(input, recurrent, dh + b * ldh, dy + b * lddy, h + b * ldy, table, units);
    clearPadding(input, units, 3);
    clearPadding(recurrent, units, 3);
  }
  if (time) recurBack(dh, ldh, s, ldz, whhT, batch, units, diagonal, 3);
}

/** One step on tape. Arguments as in gru_before_tape_step_f32. */
export function gru_before_general_tape_step_f32(
  y: usize, h: usize, ldy: usize, z: usize, q: usize, whh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool,
): void {
  const ldq = groupsOf(units) << 4;
  gru_before_general_step_f32(y, ldy, h, ldy, z, q, whh, table, lengths, time, batch, units, diagonal, 0, units, 0);
  for (let b: usize = 0; b < batch; b++) {
    const own = q + b * ldq;
    // Where a stream has ended its gradient will be 0, and q must be a number to meet that; past the units it meets weights.
    if (ended(lengths, b, time)) zero(own, ldq >> 2);
    else zero(own + (units << 2), (ldq >> 2) - units);
  }
  gru_before_general_step_f32(y, ldy, h, ldy, z, q, whh, table, lengths, time, batch, units, diagonal, 0, units, 1);
}

/** The same step backwards. Arguments as in gru_before_back_step_f32. */
export function gru_before_general_back_step_f32(
  dy: usize, lddy: usize, h: usize, ldy: usize, z: usize, dh: usize, dq: usize, ldh: usize, whhT: usize, table: usize,
  lengths: usize, time: usize, batch: usize, units: usize, diagonal: bool,
): void {
  const gateRows = rowsOf(units, 2);
  const ldz = (gateRows + rowsOf(units, 1)) << 2;
  const candidates = z + (gateRows << 2);
  for (let b: usize = 0; b < batch; b++) {
    const to = z + b * ldz;
    if (ended(lengths, b, time)) {
      zero(to, ldz >> 2);
      continue;
    }
    const n = candidates + b * ldz;
    beforeBackCell(to, n, dh + b * ldh, dq + b * ldh, dy + b * lddy, h + b * ldy, table, units);
    clearPadding(n, units, 1);
  }
  const skipped = diagonal ? gateRows : gateRows * backUnits(units);
  recurBack(dq, ldh, candidates, ldz, whhT + (skipped << 2), batch, units, diagonal, 1);
  for (let b: usize = 0; b < batch; b++) {
    if (!ended(lengths, b, time)) beforeBackReset(z + b * ldz, dh + b * ldh, dq + b * ldh, h + b * ldy, table, units);
  }
  if (time) recurBack(dh, ldh, z, ldz, whhT, batch, units, diagonal, 2);
}
