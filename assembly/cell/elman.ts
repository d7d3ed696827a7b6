import { relu, tanh } from '../math/gates';
import { storeLanes } from '../simd/lanes';

/** The pointwise half of torch.nn.RNN with tanh: h' = tanh(z). y, z: [units] · table: the constants. */
export function elman_tanh_cell_f32(y: usize, z: usize, table: usize, units: usize): void {
  for (let i: usize = 0; i < units; i += 4) storeLanes(y + (i << 2), tanh(v128.load(z + (i << 2)), table), units - i);
}

/** The pointwise half of torch.nn.RNN with relu: h' = max(z, 0). y, z: [units]. */
export function elman_relu_cell_f32(y: usize, z: usize, units: usize): void {
  for (let i: usize = 0; i < units; i += 4) storeLanes(y + (i << 2), relu(v128.load(z + (i << 2))), units - i);
}
