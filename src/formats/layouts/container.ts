import { UnsupportedError } from '../../base/errors.js';
import type { Tensors } from '../../model/tensors.js';
import { headerLength, maxHeaderBytes, readHeader } from '../header.js';
import { metadataKey } from '../native.js';
import { readNpz } from '../npz.js';
import { readTensor } from '../safetensors.js';
import { isZip, openZip } from '../zip.js';

/** Arrays by name, in a file that does not say itself what model they are. */
export interface Container {
  isSafetensors: boolean;
  shapes: ReadonlyMap<string, readonly number[]>;
  /** The arrays of floats, as f32. @throws UnsupportedError for another dtype */
  arrays(): Tensors;
}

/** Whole numbers and truth values: steps, seeds and masks. */
const noWeights = /^(?:[IU]\d+|BOOL)$/;

/**
 * Opens a file of named arrays: .safetensors or .npz.
 * @returns undefined for files of other kinds, and for those that say themselves what model they are
 * @throws FormatError for a broken file; UnsupportedError for Keras's own files, with the cure
 */
export async function openContainer(bytes: Uint8Array): Promise<Container | undefined> {
  if (headerLength(bytes) <= maxHeaderBytes && bytes[8] === 0x7b) {
    const header = readHeader(bytes);
    if (Object.hasOwn(header.metadata, metadataKey)) return undefined;
    const stored = [...header.tensors].filter(([, { dtype }]) => !noWeights.test(dtype));
    return {
      isSafetensors: true,
      shapes: new Map(stored.map(([name, { shape }]) => [name, shape])),
      arrays() {
        const arrays: Tensors = Object.create(null);
        for (const [name, entry] of stored) arrays[name] = readTensor(bytes, name, entry);
        return arrays;
      },
    };
  }
  refuseHdf5(bytes);
  if (!isZip(bytes)) return undefined;
  const names = [...openZip(bytes).keys()];
  if (names.includes('model.weights.h5')) throw hdf5('this is a .keras file, whose weights are an HDF5 file');
  if (!names.some((name) => name.endsWith('.npy'))) return undefined;
  const arrays = await readNpz(bytes);
  const shapes = new Map(Object.entries(arrays).map(([name, { shape }]) => [name, shape]));
  return { isSafetensors: false, shapes, arrays: () => arrays };
}

/** HDF5 begins with 89 'HDF' 0d 0a 1a 0a. */
function refuseHdf5(bytes: Uint8Array): void {
  if (bytes[0] === 0x89 && bytes[1] === 0x48 && bytes[2] === 0x44 && bytes[3] === 0x46)
    throw hdf5('this is an HDF5 file');
}

function hdf5(what: string): UnsupportedError {
  return new UnsupportedError(
    `${what}, which is not read. Make an .npz file of it in Python: import numpy, keras; model = ` +
      'keras.models.load_model("model.keras"); numpy.savez("model.npz", **{getattr(w, "path", w.name): ' +
      'w.numpy() for w in model.weights})',
    'hdf5',
  );
}
