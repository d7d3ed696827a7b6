import { MismatchError } from '../base/errors.js';
import { show } from '../base/guards.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import type { StateName } from '../model/cells.js';
import { kindOf } from '../model/kinds.js';
import { endOf } from '../model/recurrent.js';
import { directionsOf, isRecurrent, type ModelSpec } from '../model/spec.js';
import type { Tensors } from '../model/tensors.js';
import type { LayerState, State } from '../session/state.js';

/**
 * State files: safetensors with each part of a layer's state as `<layer>.h` [B, H], `<layer>.c` and so on; those of the
 * way back as `<layer>_reverse.h`.
 */

interface Part {
  name: StateName;
  tensor: string;
  width: number;
}

function partsOf(spec: ModelSpec): Part[][] {
  return spec.layers.flatMap((layer) => {
    const widths = kindOf(layer).states?.(layer);
    if (widths === undefined) return [];
    const parts = Object.entries(widths) as [StateName, number][];
    const ends = isRecurrent(layer) ? directionsOf(layer).map(endOf) : [''];
    return ends.map((end) =>
      parts.map(([name, width]) => ({ name, tensor: `${layer.name}${end}.${name}`, width })),
    );
  });
}

export function encodeState(spec: ModelSpec, state: State, batch: number): Uint8Array {
  const tensors: Tensors = {};
  for (const [index, parts] of partsOf(spec).entries()) {
    for (const { name, tensor, width } of parts)
      tensors[tensor] = { shape: [batch, width], data: state[index]![name]! };
  }
  return writeSafetensors(tensors);
}

/**
 * Reads a state for B streams of a model. For one stream [H] is as good as [1, H].
 * @throws FormatError; MismatchError when the tensors are not exactly those of the state
 */
export function decodeState(spec: ModelSpec, bytes: Uint8Array, batch: number): State {
  const { tensors } = readSafetensors(bytes);
  const used = new Set<string>();
  const take = (name: string, hidden: number): Float32Array => {
    const tensor = tensors[name];
    const wanted = `[${batch}, ${hidden}]`;
    if (tensor === undefined) {
      throw new MismatchError(`the state needs tensor ${show(name)} ${wanted}; it is missing.`);
    }
    const { shape, data } = tensor;
    const [streams, units] = shape.length === 1 ? [1, shape[0]] : shape;
    if (shape.length > 2 || streams !== batch || units !== hidden) {
      throw new MismatchError(
        `tensor ${show(name)}: the state needs shape ${wanted}, it has ${show(shape)}.`,
      );
    }
    used.add(name);
    return data;
  };
  const state = partsOf(spec).map(
    (parts) =>
      Object.fromEntries(
        parts.map(({ name, tensor, width }) => [name, take(tensor, width)]),
      ) as unknown as LayerState,
  );
  const extra = Object.keys(tensors).find((name) => !used.has(name));
  if (extra !== undefined)
    throw new MismatchError(`tensor ${show(extra)} belongs to no recurrent layer of the model.`);
  return state;
}
