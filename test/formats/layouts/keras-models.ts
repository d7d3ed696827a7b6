import { readFileSync } from 'node:fs';
import type { Json } from '#dist/formats/json.js';
import type { Tensors } from '#dist/model/tensors.js';

interface Values {
  shape: number[];
  data: number[];
}

/** A model that Keras has made and run (make-keras.py). */
export interface KerasModel {
  config: { [key: string]: Json };
  arrays: (Values & { names: Record<'path' | 'numbered' | 'grouped', string> })[];
  /** [2, T, I] or ids [2, T] */
  x: Values;
  /** [2, T, O] */
  y: Values;
}

const made = JSON.parse(readFileSync(new URL('keras.json', import.meta.url), 'utf8')) as {
  models: Record<string, KerasModel>;
};

export const kerasModels: Readonly<Record<string, KerasModel>> = made.models;

/** How the weights may be named; 'keras2' as Keras 2 named them. */
export type Naming = 'path' | 'numbered' | 'grouped' | 'keras2';
export const namings: readonly Naming[] = ['path', 'numbered', 'grouped', 'keras2'];

/** The weights of a model by their names, sorted as most files have them. */
export function weightsOf({ arrays }: KerasModel, naming: Naming): Tensors {
  const entries = arrays.map(({ names, shape, data }): [string, Tensors[string]] => {
    const name =
      naming === 'keras2' ? `${names.path.replace(/^sequential(?:_\d+)?\//, '')}:0` : names[naming];
    return [name, { shape: [...shape], data: Float32Array.from(data) }];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
