import type { Tensors } from '../../model/tensors.js';
import { isHdf5, readHdf5 } from '../hdf5.js';
import { headerLength, maxHeaderBytes, readHeader } from '../header.js';
import type { Json } from '../json.js';
import { metadataKey } from '../native.js';
import { readNpz } from '../npz.js';
import { readTensor } from '../safetensors.js';
import { isZip, openZip } from '../zip.js';
import { isKerasArchive, readKerasConfig } from './keras-archive.js';

/** Arrays by name, in a file that does not say itself what model they are. */
export interface Container {
  isSafetensors: boolean;
  shapes: ReadonlyMap<string, readonly number[]>;
  /** The arrays of floats, as f32. @throws UnsupportedError for another dtype */
  arrays(): Tensors;
  /** of a .keras file: what the model is */
  config?: Json;
}

/** Whole numbers and truth values: steps, seeds and masks. */
const noWeights = /^(?:[IU]\d+|BOOL)$/;

/**
 * Opens a file of named arrays: .safetensors, .npz, HDF5 or .keras.
 * @returns undefined for files of other kinds, and for those that say themselves what model they are
 * @throws FormatError for a broken file; UnsupportedError for forms of these files that are not read
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
  if (isHdf5(bytes)) return contain(readHdf5(bytes));
  if (!isZip(bytes)) return undefined;
  const entries = openZip(bytes);
  if (isKerasArchive(entries)) {
    const weights = await entries.get('model.weights.h5')!.read();
    return { ...contain(readHdf5(weights)), config: await readKerasConfig(bytes) };
  }
  if (![...entries.keys()].some((name) => name.endsWith('.npy'))) return undefined;
  return contain(await readNpz(bytes));
}

function contain(arrays: Tensors): Container {
  const shapes = new Map(Object.entries(arrays).map(([name, { shape }]) => [name, shape]));
  return { isSafetensors: false, shapes, arrays: () => arrays };
}
