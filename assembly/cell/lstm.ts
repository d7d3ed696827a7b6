import { sigmoidExp, tanhExpm1 } from '../math/gates';
import { storeLanes } from '../simd/lanes';

/**
 * The pointwise half of an LSTM (torch.nn.LSTM):
 *
 *   c' = σ(f) c + σ(i) tanh(g)        h' = σ(o) tanh(c')
 *
 * Written with F = e^−f, I = e^−i, O = e^−o, m = e^−2g − 1, n = e^−2c' − 1 over shared denominators, two
 * divisions a unit instead of five:
 *
 *   c' = (c (1 + I)(2 + m) − m (1 + F)) / ((1 + F)(1 + I)(2 + m))        h' = −n / ((1 + O)(2 + n))
 *
 * y, c: [units], c read and written, y written · z: [⌈units/4⌉][i f g o][4] pre-activations
 */
export function lstm_cell_f32(y: usize, c: usize, z: usize, units: usize): void {
  const one = f32x4.splat(1);
  const two = f32x4.splat(2);
  for (let u: usize = 0; u < units; u += 4) {
    const m = tanhExpm1(v128.load(z, 32));
    const input = f32x4.mul(f32x4.add(one, sigmoidExp(v128.load(z))), f32x4.add(two, m));
    const forget = f32x4.add(one, sigmoidExp(v128.load(z, 16)));
    const sum = f32x4.sub(f32x4.mul(v128.load(c), input), f32x4.mul(m, forget));
    const cell = f32x4.div(sum, f32x4.mul(forget, input));
    storeLanes(c, cell, units - u);

    const n = tanhExpm1(cell);
    const output = f32x4.add(one, sigmoidExp(v128.load(z, 48)));
    storeLanes(y, f32x4.div(f32x4.neg(n), f32x4.mul(output, f32x4.add(two, n))), units - u);
    y += 16;
    c += 16;
    z += 64;
  }
}
