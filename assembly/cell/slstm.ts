import { exp } from '../math/exp';
import { softplus } from '../math/functions';
import { sigmoid, tanh } from '../math/gates';
import { EXP_LEAST } from '../math/table';
import { storeLanes } from '../simd/lanes';
import { madd } from '../simd/madd';

/** e^x of a gate that is stabilised: x ≤ 0, where it is not 1, and e^−87 for all below. */
// @ts-ignore: decorator
@inline
export function stableExp(x: v128, table: usize): v128 {
  return exp(f32x4.pmax(f32x4.pmin(x, f32x4.splat(0)), v128.load(table, EXP_LEAST)), table);
}

/**
 * The pointwise half of an sLSTM (Beck et al. 2024, xLSTM, equations 8 to 17, forget gate a sigmoid), whose gates are
 * exponential. They are kept as multiples of e^m, m being the larger of their logarithms, so that none overflows:
 *
 *   l = m + ln σ(f)     m' = max(i, l), or i where n = 0     φ = e^(l − m')     ι = e^(i − m')
 *   c' = φ c + ι tanh(z)     n' = φ n + ι     h' = σ(o) c' / n'
 *
 * One of φ and ι is 1, so n' is at least 1 once n is, and from n = 0 it becomes 1.
 *
 * y, c, n, m: [units], y written, the others read and written · z: [⌈units/4⌉][i f z o][4] pre-activations
 * table: the constants
 */
export function slstm_cell_f32(y: usize, c: usize, n: usize, m: usize, z: usize, table: usize, units: usize): void {
  for (let u: usize = 0; u < units; u += 4) {
    const at = z + (u << 4);
    const unit = u << 2;
    const input = v128.load(at);
    const past = f32x4.sub(v128.load(m + unit), softplus(f32x4.neg(v128.load(at, 16)), table));
    const norm = v128.load(n + unit);
    const isFresh = f32x4.eq(norm, f32x4.splat(0));
    const most = v128.bitselect(input, f32x4.pmax(input, past), isFresh);
    const keep = stableExp(f32x4.sub(past, most), table);
    const take = stableExp(f32x4.sub(input, most), table);
    const cell = madd(keep, v128.load(c + unit), f32x4.mul(take, tanh(v128.load(at, 32), table)));
    const after = madd(keep, norm, take);
    storeLanes(c + unit, cell, units - u);
    storeLanes(n + unit, after, units - u);
    storeLanes(m + unit, most, units - u);
    storeLanes(y + unit, f32x4.mul(sigmoid(v128.load(at, 48), table), f32x4.div(cell, after)), units - u);
  }
}
