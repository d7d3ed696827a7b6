import { MismatchError } from '../base/errors.js';
import { show } from '../base/guards.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import { endOf } from '../model/recurrent.js';
import { directionsOf, isRecurrent, type ModelSpec } from '../model/spec.js';
import type { Tensors } from '../model/tensors.js';
import type { State } from '../session/state.js';

/**
 * State files: safetensors with h [B, H] of each recurrent layer as `<layer>.h`, and c of an LSTM as `<layer>.c`; those of
 * the way back as `<layer>_reverse.h` and `<layer>_reverse.c`.
 */

function namesOf(spec: ModelSpec): { h: string; c?: string; hidden: number }[] {
  return spec.layers.filter(isRecurrent).flatMap((layer) =>
    directionsOf(layer).map((direction) => {
      const name = layer.name + endOf(direction);
      const { kind, hiddenSize: hidden } = layer;
      return kind === 'lstm' ? { h: `${name}.h`, c: `${name}.c`, hidden } : { h: `${name}.h`, hidden };
    }),
  );
}

export function encodeState(spec: ModelSpec, state: State, batch: number): Uint8Array {
  const tensors: Tensors = {};
  for (const [index, { h, c, hidden }] of namesOf(spec).entries()) {
    const record = state[index]!;
    tensors[h] = { shape: [batch, hidden], data: record.h };
    if (c !== undefined) tensors[c] = { shape: [batch, hidden], data: record.c! };
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
  const state = namesOf(spec).map(({ h, c, hidden }) =>
    c === undefined ? { h: take(h, hidden) } : { h: take(h, hidden), c: take(c, hidden) },
  );
  const extra = Object.keys(tensors).find((name) => !used.has(name));
  if (extra !== undefined)
    throw new MismatchError(`tensor ${show(extra)} belongs to no recurrent layer of the model.`);
  return state;
}
