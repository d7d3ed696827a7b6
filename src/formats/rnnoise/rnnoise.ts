import { ArgumentTypeError } from '../../base/errors.js';
import type { ModelFile } from '../../model/tensors.js';
import type { ReadModelOptions } from '../read.js';
import { compactModel } from '../structure.js';
import { decodeBlob } from './blob-model.js';
import { decodeText } from './text-model.js';

/**
 * Reads an RNNoise model of either format, which isRnnoise has seen. Its layers are in the file.
 * @throws FormatError, MismatchError; UnsupportedError for a blob of another kind of model; TypeError for options that
 *   are not for it
 */
export function readRnnoise(bytes: Uint8Array, options: ReadModelOptions = {}): ModelFile {
  if (options.spec !== undefined || options.vocab !== undefined)
    throw new ArgumentTypeError(
      'an RNNoise model tells its layers and has no vocabulary; leave spec and vocab out.',
    );
  const file = bytes[0] === 'D'.charCodeAt(0) ? decodeBlob(bytes) : decodeText(bytes);
  return options.blocks === undefined ? file : compactModel(file, options.blocks, options.tolerance);
}
