import { recur } from '../layer/recur';
import { rowsOf } from '../layer/shape';
import { ended, zero } from '../layer/stream';
import { sigmoid, tanh } from '../math/gates';
import { ONE } from '../math/table';
import { storeLanes, storePadded } from '../simd/lanes';
import { madd } from '../simd/madd';
import { recurBack } from './recur-back';

/**
 * The pointwise half of torch.nn.LSTM, which leaves the gates behind for lstm_back_cell_f32:
 *
 *   i = σ(z_i)   f = σ(z_f)   g = tanh(z_g)   o = σ(z_o)        c = f before + i g        y = o tanh(c)
 *
 * Each gate has a division of its own here: what is left behind is as good as one rounding lets it be.
 * In two passes, for the reason that lstm_cell_f32 gives.
 *
 * y, c: [units] written · before: [units] the cell state before, not c
 * z: [⌈units/4⌉][i f g o][4] pre-activations, replaced by the gates · table: the constants
 */
export function lstm_tape_cell_f32(y: usize, c: usize, before: usize, z: usize, table: usize, units: usize): void {
  for (let u: usize = 0; u < units; u += 4) {
    const at = z + (u << 4);
    const input = sigmoid(v128.load(at), table);
    const forget = sigmoid(v128.load(at, 16), table);
    const candidate = tanh(v128.load(at, 32), table);
    v128.store(at, input);
    v128.store(at, forget, 16);
    v128.store(at, candidate, 32);
    storeLanes(c + (u << 2), madd(forget, v128.load(before + (u << 2)), f32x4.mul(input, candidate)), units - u);
  }
  for (let u: usize = 0; u < units; u += 4) {
    const at = z + (u << 4);
    const output = sigmoid(v128.load(at, 48), table);
    v128.store(at, output, 48);
    storeLanes(y + (u << 2), f32x4.mul(output, tanh(v128.load(c + (u << 2)), table)), units - u);
  }
}

/**
 * The derivative of the same. With d = dy + dh, t = tanh(c) and e = dc + d o (1 − t²):
 *
 *   dz_i = e g i (1 − i)   dz_f = e before f (1 − f)   dz_g = e i (1 − g²)   dz_o = d t o (1 − o)   dc' = e f   dh' = 0
 *
 * z: [⌈units/4⌉][i f g o][4] gates, replaced by dz · dh, dc: [⌈units/4⌉·4] from the step after, replaced by what this
 * step hands on without its recurrent product · dy, c, before: [units], read a vector at a time; what lies past them
 * changes nothing · table: the constants
 */
export function lstm_back_cell_f32(
  z: usize, dh: usize, dc: usize, dy: usize, c: usize, before: usize, table: usize, units: usize,
): void {
  const one = v128.load(table, ONE);
  for (let u: usize = 0; u < units; u += 4) {
    const at = z + (u << 4);
    const left = units - u;
    const input = v128.load(at);
    const forget = v128.load(at, 16);
    const candidate = v128.load(at, 32);
    const output = v128.load(at, 48);
    const t = tanh(v128.load(c), table);
    const d = f32x4.add(v128.load(dy), v128.load(dh));
    const e = madd(f32x4.mul(d, output), f32x4.sub(one, f32x4.mul(t, t)), v128.load(dc));
    const through = f32x4.mul(e, input);
    const kept = f32x4.mul(e, forget);
    storePadded(at, f32x4.mul(f32x4.mul(through, candidate), f32x4.sub(one, input)), left);
    storePadded(at + 16, f32x4.mul(f32x4.mul(kept, v128.load(before)), f32x4.sub(one, forget)), left);
    storePadded(at + 32, f32x4.mul(through, f32x4.sub(one, f32x4.mul(candidate, candidate))), left);
    storePadded(at + 48, f32x4.mul(f32x4.mul(d, t), f32x4.mul(output, f32x4.sub(one, output))), left);
    storePadded(dc, kept, left);
    v128.store(dh, f32x4.splat(0));
    c += 16;
    before += 16;
    dy += 16;
    dh += 16;
    dc += 16;
  }
}

/** One step of an LSTM on tape. y, c: [B] written · h, before: [B] the state before. Others as in recurrent_tape_f32. */
export function lstm_tape_step_f32(
  y: usize, h: usize, ldy: usize, c: usize, before: usize, ldc: usize, z: usize, whh: usize, table: usize, lengths: usize, time: usize,
  batch: usize, units: usize, diagonal: bool,
): void {
  const ldz = rowsOf(units, 4) << 2;
  recur(z, ldz, z, ldz, h, ldy, whh, batch, units, diagonal, 0, units, 4);
  for (let b: usize = 0; b < batch; b++) {
    if (ended(lengths, b, time)) {
      zero(y + b * ldy, units);
      memory.copy(c + b * ldc, before + b * ldc, units << 2);
    } else lstm_tape_cell_f32(y + b * ldy, c + b * ldc, before + b * ldc, z + b * ldz, table, units);
  }
}

/** The same step backwards. dh, dc: [B], of this step, replaced by those of the step before. */
export function lstm_back_step_f32(
  dy: usize, lddy: usize, c: usize, before: usize, ldc: usize, z: usize, dh: usize, dc: usize, ldh: usize, whhT: usize, table: usize,
  lengths: usize, time: usize, batch: usize, units: usize, diagonal: bool,
): void {
  const ldz = rowsOf(units, 4) << 2;
  for (let b: usize = 0; b < batch; b++) {
    const to = z + b * ldz;
    if (ended(lengths, b, time)) zero(to, ldz >> 2);
    else lstm_back_cell_f32(to, dh + b * ldh, dc + b * ldh, dy + b * lddy, c + b * ldc, before + b * ldc, table, units);
  }
  if (time) recurBack(dh, ldh, z, ldz, whhT, batch, units, diagonal, 4);
}
