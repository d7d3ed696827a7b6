import { recur } from '../layer/recur';
import { groupsOf, rowsOf } from '../layer/shape';
import { ended, zero } from '../layer/stream';
import { sigmoid, tanh } from '../math/gates';
import { ONE } from '../math/table';
import { storeLanes, storePadded } from '../simd/lanes';
import { madd } from '../simd/madd';
import { backUnits, clearPadding, recurBack } from './recur-back';

/**
 * First pointwise third of a GRU that resets before the product, leaving the gates behind:
 * r = σ(z_r), u = σ(z_u), q = r h.
 *
 * q: [⌈units/4⌉·4] written, 0 past its units · z: [⌈units/4⌉][r u][4] pre-activations, replaced by the gates
 * h: [units], read a vector at a time · table: the constants
 */
export function gru_before_tape_reset_f32(q: usize, z: usize, h: usize, table: usize, units: usize): void {
  for (let i: usize = 0; i < units; i += 4) {
    const reset = sigmoid(v128.load(z), table);
    v128.store(z, reset);
    v128.store(z, sigmoid(v128.load(z, 16), table), 16);
    storePadded(q, f32x4.mul(reset, v128.load(h)), units - i);
    q += 16;
    h += 16;
    z += 32;
  }
}

/**
 * Last pointwise third of the same: n = tanh(z_n), y = n + u (h − n).
 *
 * y: [units] written · n: [⌈units/4⌉·4] candidate's pre-activation, replaced by tanh of it
 * z: [⌈units/4⌉][r u][4] gates · h: [units], not y · table: the constants
 */
export function gru_before_tape_cell_f32(y: usize, n: usize, z: usize, h: usize, table: usize, units: usize): void {
  for (let i: usize = 0; i < units; i += 4) {
    const candidate = tanh(v128.load(n), table);
    v128.store(n, candidate);
    storeLanes(y, madd(v128.load(z, 16), f32x4.sub(v128.load(h), candidate), candidate), units - i);
    y += 16;
    h += 16;
    z += 32;
    n += 16;
  }
}

/**
 * The derivative of the last third. With d = dy + dh:
 *
 *   dz_n = d (1 − u) (1 − n²)   dz_u = d (h − n) u (1 − u)   dh' = d u   dq = 0, which the candidate's product adds to
 *
 * z: [⌈units/4⌉][r u][4] gates, u replaced by dz_u · n: [⌈units/4⌉·4] candidate, replaced by dz_n
 * dh: [⌈units/4⌉·4] from the step after, replaced · dq: [⌈units/4⌉·4] written
 * dy, h: [units], read a vector at a time; what lies past them changes nothing · table: the constants
 */
export function gru_before_back_cell_f32(
  z: usize, n: usize, dh: usize, dq: usize, dy: usize, h: usize, table: usize, units: usize,
): void {
  const one = v128.load(table, ONE);
  for (let i: usize = 0; i < units; i += 4) {
    const left = units - i;
    const update = v128.load(z, 16);
    const candidate = v128.load(n);
    const d = f32x4.add(v128.load(dy), v128.load(dh));
    const stays = f32x4.sub(one, update);
    const kept = f32x4.mul(d, update);
    storePadded(n, f32x4.mul(f32x4.mul(d, stays), f32x4.sub(one, f32x4.mul(candidate, candidate))), left);
    storePadded(z + 16, f32x4.mul(f32x4.mul(kept, f32x4.sub(v128.load(h), candidate)), stays), left);
    storePadded(dh, kept, left);
    v128.store(dq, f32x4.splat(0));
    z += 32;
    n += 16;
    dh += 16;
    dq += 16;
    dy += 16;
    h += 16;
  }
}

/**
 * The derivative of the first third: dz_r = dq h r (1 − r), dh += dq r.
 *
 * z: [⌈units/4⌉][r u][4], the gate r replaced by dz_r · dh: [⌈units/4⌉·4] · dq: [⌈units/4⌉·4]
 * h: [units], read a vector at a time · table: the constants
 */
export function gru_before_back_reset_f32(z: usize, dh: usize, dq: usize, h: usize, table: usize, units: usize): void {
  const one = v128.load(table, ONE);
  for (let i: usize = 0; i < units; i += 4) {
    const left = units - i;
    const reset = v128.load(z);
    const through = f32x4.mul(v128.load(dq), reset);
    storePadded(z, f32x4.mul(f32x4.mul(through, v128.load(h)), f32x4.sub(one, reset)), left);
    storePadded(dh, f32x4.add(v128.load(dh), through), left);
    z += 32;
    dh += 16;
    dq += 16;
    h += 16;
  }
}

/** One step on tape. q: [B][⌈units/4⌉·4]. Other arguments as in lstm_tape_step_f32. */
export function gru_before_tape_step_f32(
  y: usize, h: usize, ldy: usize, z: usize, q: usize, whh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool,
): void {
  const gateRows = rowsOf(units, 2);
  const ldz = (gateRows + rowsOf(units, 1)) << 2;
  const ldq = groupsOf(units) << 4;
  const candidate = z + (gateRows << 2);
  recur(z, ldz, z, ldz, h, ldy, whh, batch, units, diagonal, 0, units, 2);
  for (let b: usize = 0; b < batch; b++) {
    // Its gradient will be 0, and q must be a number to meet that.
    if (ended(lengths, b, time)) zero(q + b * ldq, ldq >> 2);
    else gru_before_tape_reset_f32(q + b * ldq, z + b * ldz, h + b * ldy, table, units);
  }
  const skipped = diagonal ? gateRows : gateRows * units;
  recur(candidate, ldz, candidate, ldz, q, ldq, whh + (skipped << 2), batch, units, diagonal, 0, units, 1);
  for (let b: usize = 0; b < batch; b++) {
    if (ended(lengths, b, time)) zero(y + b * ldy, units);
    else gru_before_tape_cell_f32(y + b * ldy, candidate + b * ldz, z + b * ldz, h + b * ldy, table, units);
  }
}

/** The same step backwards. h: [B] the state before · dq: scratch like dh. Others as in lstm_back_step_f32. */
export function gru_before_back_step_f32(
  dy: usize, lddy: usize, h: usize, ldy: usize, z: usize, dh: usize, dq: usize, ldh: usize, whhT: usize, table: usize,
  lengths: usize, time: usize, batch: usize, units: usize, diagonal: bool,
): void {
  const gateRows = rowsOf(units, 2);
  const ldz = (gateRows + rowsOf(units, 1)) << 2;
  const candidate = z + (gateRows << 2);
  for (let b: usize = 0; b < batch; b++) {
    const to = z + b * ldz;
    if (ended(lengths, b, time)) {
      zero(to, ldz >> 2);
      continue;
    }
    const n = candidate + b * ldz;
    gru_before_back_cell_f32(to, n, dh + b * ldh, dq + b * ldh, dy + b * lddy, h + b * ldy, table, units);
    clearPadding(n, units, 1);
  }
  const skipped = diagonal ? gateRows : gateRows * backUnits(units);
  recurBack(dq, ldh, candidate, ldz, whhT + (skipped << 2), batch, units, diagonal, 1);
  for (let b: usize = 0; b < batch; b++) {
    if (!ended(lengths, b, time)) {
      gru_before_back_reset_f32(z + b * ldz, dh + b * ldh, dq + b * ldh, h + b * ldy, table, units);
    }
  }
  if (time) recurBack(dh, ldh, z, ldz, whhT, batch, units, diagonal, 2);
}
