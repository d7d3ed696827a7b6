import { apartOf } from '../cell/parameters';
import { stableExp } from '../cell/slstm';
import { recur } from '../layer/recur';
import { rowsOf } from '../layer/shape';
import { ended, zero } from '../layer/stream';
import { softplus } from '../math/functions';
import { sigmoid, tanh } from '../math/gates';
import { ONE } from '../math/table';
import { storeLanes, storePadded } from '../simd/lanes';
import { madd } from '../simd/madd';
import { recurBack } from './recur-back';

/**
 * The pointwise half of an sLSTM (Beck et al. 2024, xLSTM, equations 8 to 17), which leaves its gates behind:
 *
 *   l = m + ln σ(z_f)     m' = max(z_i, l), or z_i where n = 0     φ = e^(l − m')     ι = e^(z_i − m')
 *   c' = φ c + ι tanh(z_z)     n' = φ n + ι     y = σ(z_o) c' / n'
 *
 * One of φ and ι is 1. What is left of both is one number: ι where φ is 1, and −φ where ι is.
 *
 * y, and c, n, m of this step: [units] written · before: c of the step before · apart: bytes from each c to its n, and from
 * there to its m · z: [⌈units/4⌉][i f z o][4] pre-activations, replaced by ι or −φ, σ(z_f), tanh(z_z) and σ(z_o)
 * table: the constants
 */
// @ts-ignore: decorator
@inline
function tapeCell(y: usize, c: usize, before: usize, apart: usize, z: usize, table: usize, units: usize): void {
  const one = v128.load(table, ONE);
  for (let u: usize = 0; u < units << 2; u += 16) {
    const at = z + (u << 2);
    const left = units - (u >> 2);
    const input = v128.load(at);
    const forget = v128.load(at, 16);
    const past = f32x4.sub(v128.load(before + 2 * apart + u), softplus(f32x4.neg(forget), table));
    const norm = v128.load(before + apart + u);
    const most = v128.bitselect(input, f32x4.pmax(input, past), f32x4.eq(norm, f32x4.splat(0)));
    const keep = stableExp(f32x4.sub(past, most), table);
    const take = stableExp(f32x4.sub(input, most), table);
    const candidate = tanh(v128.load(at, 32), table);
    const output = sigmoid(v128.load(at, 48), table);
    const cell = madd(keep, v128.load(before + u), f32x4.mul(take, candidate));
    const after = madd(keep, norm, take);
    v128.store(at, v128.bitselect(f32x4.neg(keep), take, f32x4.eq(take, one)));
    v128.store(at, sigmoid(forget, table), 16);
    v128.store(at, candidate, 32);
    v128.store(at, output, 48);
    storeLanes(c + u, cell, left);
    storeLanes(c + apart + u, after, left);
    storeLanes(c + 2 * apart + u, most, left);
    storeLanes(y + u, f32x4.mul(output, f32x4.div(cell, after)), left);
  }
}

/**
 * The derivative of the same. m takes no part: c, n and m stand for c e^m and n e^m, of which a change of m alone changes
 * nothing, neither here nor in later steps; so m' is a constant. With d = dy + dh, q = c' / n', e = dc + d σ(o) / n' and
 * k = dn − d σ(o) q / n':
 *
 *   dz_i = (e g + k) ι   dz_f = (e c + k n) φ (1 − σ(f))   dz_z = e ι (1 − g²)   dz_o = d q σ(o) (1 − σ(o))
 *   dc' = e φ   dn' = k φ   dh' = 0
 *
 * z: what tapeCell left, replaced by dz · dh, dc, dn: [⌈units/4⌉·4] from the step after, replaced · c, before: as there;
 * vectors of dy and the states are read past their units, and what lies there changes nothing · table: the constants
 */
// @ts-ignore: decorator
@inline
function backCell(
  z: usize, dh: usize, dc: usize, dn: usize, dy: usize, c: usize, before: usize, apart: usize, table: usize, units: usize,
): void {
  const one = v128.load(table, ONE);
  for (let u: usize = 0; u < units << 2; u += 16) {
    const at = z + (u << 2);
    const left = units - (u >> 2);
    const either = v128.load(at);
    const isKept = f32x4.lt(either, f32x4.splat(0));
    const keep = v128.bitselect(f32x4.neg(either), one, isKept);
    const take = v128.bitselect(one, either, isKept);
    const forget = v128.load(at, 16);
    const candidate = v128.load(at, 32);
    const output = v128.load(at, 48);
    const norm = v128.load(c + apart + u);
    const quotient = f32x4.div(v128.load(c + u), norm);
    const d = f32x4.add(v128.load(dy + u), v128.load(dh + u));
    const through = f32x4.mul(d, output);
    const share = f32x4.div(through, norm);
    const e = f32x4.add(v128.load(dc + u), share);
    const k = f32x4.sub(v128.load(dn + u), f32x4.mul(share, quotient));
    const kept = f32x4.mul(madd(e, v128.load(before + u), f32x4.mul(k, v128.load(before + apart + u))), keep);
    storePadded(at, f32x4.mul(madd(e, candidate, k), take), left);
    storePadded(at + 16, f32x4.mul(kept, f32x4.sub(one, forget)), left);
    storePadded(at + 32, f32x4.mul(f32x4.mul(e, take), f32x4.sub(one, f32x4.mul(candidate, candidate))), left);
    storePadded(at + 48, f32x4.mul(f32x4.mul(through, quotient), f32x4.sub(one, output)), left);
    v128.store(dh + u, f32x4.splat(0));
    v128.store(dc + u, f32x4.mul(e, keep));
    v128.store(dn + u, f32x4.mul(k, keep));
  }
}

/** One step of an sLSTM on tape. c, before: as above. Others as in lstm_tape_step_f32. */
export function slstm_tape_step_f32(
  y: usize, h: usize, ldy: usize, c: usize, before: usize, ldc: usize, z: usize, whh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool,
): void {
  const ldz = rowsOf(units, 4) << 2;
  const apart = apartOf(table);
  recur(z, ldz, z, ldz, h, ldy, whh, batch, units, diagonal, 0, units, 4);
  for (let b: usize = 0; b < batch; b++) {
    const to = c + b * ldc;
    const from = before + b * ldc;
    if (ended(lengths, b, time)) {
      zero(y + b * ldy, units);
      for (let k: usize = 0; k < 3; k++) memory.copy(to + k * apart, from + k * apart, units << 2);
    } else tapeCell(y + b * ldy, to, from, apart, z + b * ldz, table, units);
  }
}

/** The same step backwards. dn: [B], like dc. Others as in lstm_back_step_f32. */
export function slstm_back_step_f32(
  dy: usize, lddy: usize, c: usize, before: usize, ldc: usize, z: usize, dh: usize, dc: usize, dn: usize, ldh: usize, whhT: usize,
  table: usize, lengths: usize, time: usize, batch: usize, units: usize, diagonal: bool,
): void {
  const ldz = rowsOf(units, 4) << 2;
  const apart = apartOf(table);
  for (let b: usize = 0; b < batch; b++) {
    const to = z + b * ldz;
    if (ended(lengths, b, time)) zero(to, ldz >> 2);
    else {
      const own = b * ldh;
      backCell(to, dh + own, dc + own, dn + own, dy + b * lddy, c + b * ldc, before + b * ldc, apart, table, units);
    }
  }
  if (time) recurBack(dh, ldh, z, ldz, whhT, batch, units, diagonal, 4);
}
