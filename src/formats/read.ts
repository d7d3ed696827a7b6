import { ArgumentTypeError, FormatError, UnsupportedError } from '../base/errors.js';
import { show } from '../base/guards.js';
import type { ModelFile } from '../model/tensors.js';
import { headerLength, maxHeaderBytes, readHeader } from './header.js';
import { isOnnx, isRnnoise } from './kind.js';
import { decodeNative, metadataKey } from './native.js';
import { isNpy } from './npy.js';
import { decodeStateDict, type StateDictOptions } from './pytorch.js';
import { compactModel } from './structure.js';

/** `blocks` and `tolerance` are done to a native file only when `blocks` is given; to a state dict always. */
export type ReadModelOptions = StateDictOptions;

/**
 * Reads a model from the bytes of a .safetensors file: a native one (its spec in the metadata) or a PyTorch state
 * dict, in which block structure is found. An ONNX file is for loadModel: its reader comes only when it is needed.
 * @param bytes all of the file
 * @throws FormatError for a broken or a foreign file; UnsupportedError for what is valid but not read, with the
 *   cure; MismatchError when spec and tensors disagree or a spec is needed; TypeError, RangeError for wrong options
 */
export function readModel(bytes: Uint8Array, options: ReadModelOptions = {}): ModelFile {
  if (!(bytes instanceof Uint8Array)) {
    throw new ArgumentTypeError(
      `a model must be given as a Uint8Array of its file's bytes, got ${show(bytes)}.`,
    );
  }
  refuseForeign(bytes);
  const header = readHeader(bytes);
  if (!Object.hasOwn(header.metadata, metadataKey)) return decodeStateDict(bytes, header, options);
  const file = decodeNative(bytes, header, options);
  return options.blocks === undefined ? file : compactModel(file, options.blocks, options.tolerance);
}

const saveFile =
  'save_file({k: v.contiguous() for k, v in torch.load("model.pt", map_location="cpu").items()}, "model.safetensors")';

/** Names the files that are most often given in place of a model. */
function refuseForeign(bytes: Uint8Array): void {
  if (bytes.length === 0) throw new FormatError('the file is empty.', { offset: 0 });
  // A header length may look like another format's first bytes; with "{" behind it, it is a header length.
  if (headerLength(bytes) <= maxHeaderBytes && bytes[8] === 0x7b) return;
  const [first, second = 0] = bytes;
  const start = String.fromCharCode(...bytes.subarray(0, 64));
  if (start.startsWith('PK\u0003\u0004') || (first === 0x80 && second >= 2 && second <= 5)) {
    throw new UnsupportedError(
      'this is a zip archive or a pickle, most likely a PyTorch .pt file, which can run code when it is read. Convert ' +
        `its state dict in Python: import torch; from safetensors.torch import save_file; ${saveFile}`,
      'PyTorch pickle',
    );
  }
  if (/^<(?:!doctype|!--|html|head|\?xml)/i.test(start.replace('\u00ef\u00bb\u00bf', '').trimStart())) {
    throw new FormatError('this is a web page, not a model; look at the address that it came from.', {
      offset: 0,
    });
  }
  if (start.startsWith('version https://git-lfs')) {
    throw new FormatError('this is a Git LFS pointer, not the model itself; run git lfs pull.', {
      offset: 0,
    });
  }
  if (isNpy(bytes)) {
    throw new FormatError('this is a .npy array, not a model; readNpy reads it.', { offset: 0 });
  }
  if (isOnnx(bytes)) {
    throw new UnsupportedError(
      'this looks like an ONNX file, whose reader comes only when it is needed: loadModel reads it, and blockrnn ' +
        'convert makes a .safetensors file of it.',
      'onnx',
    );
  }
  if (isRnnoise(bytes)) {
    throw new UnsupportedError(
      'this looks like an RNNoise model, whose reader comes only when it is needed: loadModel reads it, and blockrnn ' +
        'convert makes a .safetensors file of it.',
      'rnnoise',
    );
  }
}
