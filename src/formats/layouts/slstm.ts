import type { LayerSpec } from '../../model/spec.js';
import type { Tensor, Tensors } from '../../model/tensors.js';

/** The sLSTM's weights as this package has them, gates i f z o. */
export interface SlstmWeights {
  /** [4·H, I] */
  weightIh: Tensor;
  /** [4·H, H/N] */
  weightHh: Tensor;
  /** [4·H] */
  bias: Tensor;
}

/** A layer of kind slstm. */
export function slstmLayer(
  name: string,
  blocks: number,
  { weightIh, weightHh, bias }: SlstmWeights,
): { layer: LayerSpec; tensors: Tensors } {
  const [rows, inputSize] = weightIh.shape as [number, number];
  return {
    layer: { kind: 'slstm', name, inputSize, hiddenSize: rows / 4, blocks },
    tensors: {
      [`${name}.weight_ih`]: weightIh,
      [`${name}.weight_hh`]: weightHh,
      [`${name}.bias`]: bias,
    },
  };
}
