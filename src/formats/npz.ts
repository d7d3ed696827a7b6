import { FormatError } from '../base/errors.js';
import { show } from '../base/guards.js';
import type { Tensors } from '../model/tensors.js';
import { readNpy } from './npy.js';
import { openZip } from './zip.js';

/**
 * Reads the arrays of floats out of a file of numpy.savez or savez_compressed, by their names. Arrays of whole numbers
 * (steps, seeds) are no weights and left out.
 * @throws FormatError for a broken archive or array (names it), and for a file in it that is no array; UnsupportedError
 *   for dtypes that readNpy does not read, among them pickled objects
 */
export async function readNpz(bytes: Uint8Array): Promise<Tensors> {
  const tensors: Tensors = Object.create(null);
  for (const { name, read } of openZip(bytes).values()) {
    if (!name.endsWith('.npy'))
      throw new FormatError(`${show(name)} in the archive is no .npy array, so it is no .npz file.`);
    const file = await read();
    const key = name.slice(0, -4);
    try {
      const { shape, data } = readNpy(file);
      if (data instanceof Float32Array) tensors[key] = { shape, data };
    } catch (error) {
      throw Object.assign(error as Error, { message: `array ${show(key)}: ${(error as Error).message}` });
    }
  }
  return tensors;
}
