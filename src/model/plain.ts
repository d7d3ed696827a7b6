import { cellOf } from './cells.js';
import {
  type ActivationSpec,
  type CommonLayerSpec,
  type EmbeddingSpec,
  isRecurrent,
  type LinearSpec,
  type ModelSpec,
  stripsOf,
} from './spec.js';

export interface PlainActivationSpec extends ActivationSpec {
  activation: 'tanh' | 'sigmoid' | 'relu' | 'softmax' | 'logSoftmax';
}
export type PlainLayerSpec = EmbeddingSpec | CommonLayerSpec | LinearSpec | PlainActivationSpec;

const familyKinds: readonly string[] = ['combine', 'scale', 'norm', 'conv', 'delay'];
const plainFunctions: readonly unknown[] = ['tanh', 'sigmoid', 'relu', 'softmax', 'logSoftmax'];

/**
 * Whether a model takes kernels of the wider family: one that is made of more than the layers and cells of plain stacks,
 * that joins what several give, whose recurrent weights are strips, or that has linear layers in blocks.
 */
export function needsFamily({ layers }: ModelSpec): boolean {
  return layers.some(
    (layer) =>
      (layer.inputs?.length ?? 1) > 1 ||
      familyKinds.includes(layer.kind) ||
      (isRecurrent(layer) && (cellOf(layer).isFamily || stripsOf(layer) !== undefined)) ||
      (layer.kind === 'linear' && layer.blocks !== undefined) ||
      (layer.kind === 'activation' && !plainFunctions.includes(layer.activation)),
  );
}
