import { recur } from '../layer/recur';
import { rowsOf } from '../layer/shape';
import { ended, zero } from '../layer/stream';
import { sigmoid, tanh } from '../math/gates';
import { ONE } from '../math/table';
import { storeLanes, storePadded } from '../simd/lanes';
import { madd } from '../simd/madd';
import { clearPadding, recurBack } from './recur-back';

/**
 * The pointwise half of torch.nn.GRU (reset after the product), which leaves the gates behind:
 *
 *   r = σ(z_r + s_r)   u = σ(z_u + s_u)   n = tanh(z_n + r s_n)        y = n + u (h − n)
 *
 * y: [units] written · z: [⌈units/4⌉][r u n][4] input half, replaced by the gates · s: the same shape, recurrent half
 * h: [units] the state before, not y · table: the constants
 */
export function gru_after_tape_cell_f32(y: usize, z: usize, s: usize, h: usize, table: usize, units: usize): void {
  for (let i: usize = 0; i < units; i += 4) {
    const reset = sigmoid(f32x4.add(v128.load(z), v128.load(s)), table);
    const update = sigmoid(f32x4.add(v128.load(z, 16), v128.load(s, 16)), table);
    const candidate = tanh(madd(reset, v128.load(s, 32), v128.load(z, 32)), table);
    v128.store(z, reset);
    v128.store(z, update, 16);
    v128.store(z, candidate, 32);
    storeLanes(y, madd(update, f32x4.sub(v128.load(h), candidate), candidate), units - i);
    y += 16;
    h += 16;
    z += 48;
    s += 48;
  }
}

/**
 * The derivative of the same. With d = dy + dh:
 *
 *   dz_n = d (1 − u) (1 − n²)   dz_r = dz_n s_n r (1 − r)   dz_u = d (h − n) u (1 − u)        dh' = d u
 *   ds_n = dz_n r               ds_r = dz_r                 ds_u = dz_u
 *
 * z: [⌈units/4⌉][r u n][4] gates, replaced by dz · s: the same shape, recurrent half, replaced by ds
 * dh: [⌈units/4⌉·4] from the step after, replaced by what this step hands on without its recurrent product
 * dy, h: [units], read a vector at a time; what lies past them changes nothing · table: the constants
 */
export function gru_after_back_cell_f32(
  z: usize, s: usize, dh: usize, dy: usize, h: usize, table: usize, units: usize,
): void {
  const one = v128.load(table, ONE);
  for (let i: usize = 0; i < units; i += 4) {
    const left = units - i;
    const reset = v128.load(z);
    const update = v128.load(z, 16);
    const candidate = v128.load(z, 32);
    const d = f32x4.add(v128.load(dy), v128.load(dh));
    const stays = f32x4.sub(one, update);
    const dn = f32x4.mul(f32x4.mul(d, stays), f32x4.sub(one, f32x4.mul(candidate, candidate)));
    const kept = f32x4.mul(d, update);
    const scaled = f32x4.mul(dn, reset);
    const dr = f32x4.mul(f32x4.mul(scaled, v128.load(s, 32)), f32x4.sub(one, reset));
    const du = f32x4.mul(f32x4.mul(kept, f32x4.sub(v128.load(h), candidate)), stays);
    storePadded(z, dr, left);
    storePadded(z + 16, du, left);
    storePadded(z + 32, dn, left);
    storePadded(s, dr, left);
    storePadded(s + 16, du, left);
    storePadded(s + 32, scaled, left);
    storePadded(dh, kept, left);
    z += 48;
    s += 48;
    dh += 16;
    dy += 16;
    h += 16;
  }
}

/** One step on tape. s: [B][rows] · bhh: [rows]. Other arguments as in lstm_tape_step_f32. */
export function gru_after_tape_step_f32(
  y: usize, h: usize, ldy: usize, z: usize, s: usize, whh: usize, bhh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool,
): void {
  const ldz = rowsOf(units, 3) << 2;
  recur(s, ldz, bhh, 0, h, ldy, whh, batch, units, diagonal, 0, units, 3);
  for (let b: usize = 0; b < batch; b++) {
    if (ended(lengths, b, time)) zero(y + b * ldy, units);
    else gru_after_tape_cell_f32(y + b * ldy, z + b * ldz, s + b * ldz, h + b * ldy, table, units);
  }
}

/** The same step backwards. h: [B] the state before. Other arguments as in lstm_back_step_f32. */
export function gru_after_back_step_f32(
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
    gru_after_back_cell_f32(input, recurrent, dh + b * ldh, dy + b * lddy, h + b * ldy, table, units);
    clearPadding(input, units, 3);
    clearPadding(recurrent, units, 3);
  }
  if (time) recurBack(dh, ldh, s, ldz, whhT, batch, units, diagonal, 3);
}
