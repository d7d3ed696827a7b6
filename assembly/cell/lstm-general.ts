import { ONE } from '../math/table';
import { storeLanes } from '../simd/lanes';
import { madd } from '../simd/madd';
import { candidate, gate, hasPeepholes, isCoupled, keep, outward, zoneoutCellOf } from './parameters';

/**
 * The pointwise half of an LSTM as ONNX has it, with what it may say: functions f, g and h, a limit, peepholes p, and
 * a forget gate that is coupled to the input gate. With ⌊x⌉ for x limited to ±clip:
 *
 *   i = f(⌊zi + pi c⌉)      φ = f(⌊zf + pf c⌉), or 1 − i      c' = φ c + i g(⌊zg⌉)
 *   o = f(⌊zo + po c'⌉)     h' = o h(c')
 *
 * With zoneout what goes on of the cell is rate · c + (1 − rate) · c', and h' is of c' itself (Krueger et al. 2017).
 * The cell itself is not limited on its way into h: so onnxruntime does it.
 *
 * y, c: [units], c read and written, y written · z: [⌈units/4⌉][i f g o][4] pre-activations
 * p: the same shape, peepholes where z has the gates that they belong to; read when there are some
 * table: the layer's own constants and parameters
 */
export function lstm_general_cell_f32(y: usize, c: usize, z: usize, p: usize, table: usize, units: usize): void {
  const coupled = isCoupled(table);
  const peeps = hasPeepholes(table);
  const rate = zoneoutCellOf(table);
  for (let u: usize = 0; u < units; u += 4) {
    const at = z + (u << 4);
    const hole = p + (u << 4);
    const before = v128.load(c + (u << 2));
    let zi = v128.load(at);
    let zf = v128.load(at, 16);
    let zo = v128.load(at, 48);
    if (peeps) {
      zi = madd(v128.load(hole), before, zi);
      zf = madd(v128.load(hole, 16), before, zf);
    }
    const input = gate(zi, table);
    const forget = coupled ? f32x4.sub(v128.load(table, ONE), input) : gate(zf, table);
    const cell = madd(forget, before, f32x4.mul(input, candidate(v128.load(at, 32), table)));
    storeLanes(c + (u << 2), keep(rate, before, cell), units - u);
    if (peeps) zo = madd(v128.load(hole, 48), cell, zo);
    storeLanes(y + (u << 2), f32x4.mul(gate(zo, table), outward(cell, table)), units - u);
  }
}
