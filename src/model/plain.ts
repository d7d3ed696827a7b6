import { UnsupportedError } from '../base/errors.js';
import { cellOf } from './cells.js';
import {
  type ActivationSpec,
  type CommonLayerSpec,
  type EmbeddingSpec,
  isRecurrent,
  type LayerSpec,
  type LinearSpec,
  type ModelSpec,
  type RecurrentLayerSpec,
  stripsOf,
} from './spec.js';

export interface PlainActivationSpec extends ActivationSpec {
  activation: 'tanh' | 'sigmoid' | 'relu' | 'softmax' | 'logSoftmax';
}
export type PlainLayerSpec = EmbeddingSpec | CommonLayerSpec | LinearSpec | PlainActivationSpec;

/** A stack of layers whose recurrent ones go forward and have the functions that they always had. */
export interface PlainSpec {
  layers: PlainLayerSpec[];
}

const plainKinds: readonly string[] = ['embedding', 'lstm', 'gru', 'elman', 'linear', 'activation'];
const familyKinds: readonly string[] = ['combine', 'scale', 'norm', 'conv', 'delay'];
const plainFunctions: readonly unknown[] = ['tanh', 'sigmoid', 'relu', 'softmax', 'logSoftmax'];
const plainElmans: readonly unknown[] = ['tanh', 'relu'];

/**
 * Refuses what is no plain stack of plain layers, for those parts of the package that can do no more.
 * @throws UnsupportedError naming the layer and the field
 */
export function checkPlain({ layers }: ModelSpec): PlainSpec {
  for (const layer of layers) {
    const field = fieldBeyond(layer);
    if (field === undefined) continue;
    throw new UnsupportedError(`layer ${layer.name}: ${field} is not supported here.`, `layer ${field}`);
  }
  return { layers: layers as PlainLayerSpec[] };
}

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

/** The first field of a layer that a plain stack has not. */
function fieldBeyond(layer: LayerSpec): string | undefined {
  if (!plainKinds.includes(layer.kind)) return `kind '${layer.kind}'`;
  if (layer.inputs !== undefined) return 'inputs';
  if (layer.kind === 'activation' && !plainFunctions.includes(layer.activation)) return layer.activation;
  if (layer.kind === 'linear' && layer.blocks !== undefined) return 'blocks';
  if (!isRecurrent(layer)) return undefined;
  if (stripsOf(layer) !== undefined) return 'strips';
  if (layer.inputBlocks !== undefined) return 'inputBlocks';
  return layer.direction === undefined ? cellFieldBeyond(layer) : 'direction';
}

function cellFieldBeyond(layer: RecurrentLayerSpec): string | undefined {
  const fields = layer as unknown as Record<string, unknown>;
  for (const field of ['clip', 'activations', 'coupled', 'peepholes', 'projectionSize'])
    if (fields[field] !== undefined) return field;
  if (layer.kind === 'elman' && !plainElmans.includes(layer.activation ?? 'tanh')) return 'activation';
  return undefined;
}
