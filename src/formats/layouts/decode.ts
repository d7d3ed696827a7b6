import { MismatchError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { ModelFile, Tensors } from '../../model/tensors.js';
import type { StateDictOptions } from '../pytorch.js';
import { readModel } from '../read.js';
import { writeSafetensors } from '../safetensors.js';
import type { LayoutOptions } from './assemble.js';
import { type Container, openContainer } from './container.js';
import { type DreamerOptions, decodeDreamer } from './dreamerv3.js';
import { decodeFlashrnn, type FlashrnnOptions } from './flashrnn.js';
import { decodeKeras, type KerasOptions } from './keras.js';
import { readKerasConfig } from './keras-archive.js';
import { findOrigin, type Origin, origins } from './origin.js';
import { decodeTensorflow, type TensorflowOptions } from './tensorflow.js';
import { decodeXlstm, type XlstmOptions } from './xlstm.js';

export { openContainer, readKerasConfig };

/** What the layouts let a caller say; each reads its own. */
export interface DecodeOptions
  extends LayoutOptions,
    KerasOptions,
    TensorflowOptions,
    FlashrnnOptions,
    XlstmOptions,
    DreamerOptions {
  /** of a state dict: its layers */
  spec?: unknown;
}

/** Which options each origin has beside those of all. */
const own: Readonly<Record<Origin, readonly (keyof DecodeOptions)[]>> = {
  pytorch: ['spec'],
  tensorflow: ['forgetBias'],
  keras: ['config', 'activation', 'recurrentActivation', 'resetAfter'],
  flashrnn: ['cell', 'order'],
  xlstm: ['cell', 'activation'],
  dreamerv3: ['activation'],
};

/** The options that an origin does not have and that were given all the same. */
export function strayOptions(origin: Origin, options: DecodeOptions): string[] {
  const known = new Set<string>(own[origin]);
  const all = new Set<string>(Object.values(own).flat());
  return Object.entries(options).flatMap(([option, value]) =>
    value !== undefined && all.has(option) && !known.has(option) ? [option] : [],
  );
}

/**
 * The origin that the names of arrays tell. A .safetensors file with names of none is a state dict, whose reader says
 * what it lacks.
 * @throws MismatchError when they tell none, or more than one
 */
export function originOf({ shapes, isSafetensors }: Container): Origin {
  const found = findOrigin(shapes) ?? (isSafetensors ? 'pytorch' : undefined);
  if (found !== undefined) return found;
  const names = [...shapes.keys()].slice(0, 10).map(show).join(', ');
  throw new MismatchError(
    `the names of the arrays do not tell where they come from: ${names || 'there are none'}. Say it with the option ` +
      `from: ${origins.join(', ')}.`,
  );
}

/** Those of a state dict's reader. */
export function stateDictOptions({ blocks, tolerance, spec, vocab }: DecodeOptions): StateDictOptions {
  return { ...(blocks && { blocks }), ...(tolerance !== undefined && { tolerance }), spec, vocab };
}

/**
 * Makes a model of arrays of a known origin.
 * @throws as the reader of that origin
 */
export function decodeArrays(arrays: Tensors, origin: Origin, options: DecodeOptions): ModelFile {
  switch (origin) {
    case 'pytorch':
      return readModel(writeSafetensors(arrays), stateDictOptions(options));
    case 'tensorflow':
      return decodeTensorflow(arrays, options);
    case 'keras':
      return decodeKeras(arrays, options);
    case 'flashrnn':
      return decodeFlashrnn(arrays, options);
    case 'xlstm':
      return decodeXlstm(arrays, options);
    case 'dreamerv3':
      return decodeDreamer(arrays, options);
  }
}
