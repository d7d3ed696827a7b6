import { FormatError } from '../base/errors.js';
import type { ModelSpec } from '../model/spec.js';
import { type ModelFile, readerOf, type TensorReader } from '../model/tensors.js';
import { headerLength, maxHeaderBytes, readHeader, type SafetensorsHeader } from './header.js';
import { isOnnx, isRnnoise } from './kind.js';
import { metadataKey, readFacts } from './native.js';
import { type ReadModelOptions, readModel } from './read.js';
import { bytesOf, decodeValues } from './safetensors.js';
import type { ByteSource } from './source.js';

/** A model whose weights can be read piece by piece. */
export interface OpenedModel {
  spec: ModelSpec;
  vocab: number[] | undefined;
  read: TensorReader;
}

/** Bytes of weights that are in memory at a time, beside where they are packed. */
const pieceBytes = 2 ** 20;

/**
 * Opens a model. A native file's weights stay where they are until they are packed, so that a large model is in memory
 * once; a state dict, in which structure has to be found, is read whole.
 * @throws as readModel
 */
export async function openModelFile(
  source: ByteSource,
  options: ReadModelOptions = {},
): Promise<OpenedModel> {
  const header = options.blocks === undefined ? await readNativeHeader(source) : undefined;
  if (header === undefined) {
    const bytes = await source.read(0, source.size);
    const { spec, tensors, vocab } = await readModelFile(bytes, options, source.beside);
    return { spec, vocab, read: readerOf(tensors) };
  }
  return { ...readFacts(header, options), read: readPieces(source, header) };
}

/** A model with what its file says beside it, as metadata for a native file. */
export interface AnyModelFile extends ModelFile {
  /** `onnx`: the names of the graph's input, output and states */
  metadata?: Record<string, string>;
}

/**
 * A model out of all bytes of a file of any format; the readers of some come only when they are needed.
 * @param beside gives the bytes of other files of its folder, in which large ONNX models have their weights
 * @throws as readModel, and UnsupportedError for an ONNX graph that cannot be made of layers
 */
export async function readModelFile(
  bytes: Uint8Array,
  options: ReadModelOptions = {},
  beside?: ByteSource['beside'],
): Promise<AnyModelFile> {
  // Loaded for those who have such a file: nobody else's page downloads it.
  if (isRnnoise(bytes)) return (await import('./rnnoise/rnnoise.js')).readRnnoise(bytes, options);
  if (!isOnnx(bytes)) return readModel(bytes, options);
  const { listFiles, readOnnx } = await import('./onnx/onnx.js');
  const files = new Map<string, Uint8Array>();
  if (beside !== undefined) for (const name of listFiles(bytes)) files.set(name, await beside(name));
  const { file, names } = readOnnx(bytes, options, files);
  return { ...file, metadata: { onnx: JSON.stringify(names) } };
}

/** The header of a native file; undefined for everything else, whatever is wrong with it. */
async function readNativeHeader(source: ByteSource): Promise<SafetensorsHeader | undefined> {
  const length = headerLength(await source.read(0, 8));
  if (!(length <= maxHeaderBytes && 8 + length <= source.size)) return undefined;
  const head = await source.read(0, 8 + length);
  if (head[8] !== 0x7b) return undefined;
  const header = readHeader(head, source.size);
  return Object.hasOwn(header.metadata, metadataKey) ? header : undefined;
}

function readPieces(source: ByteSource, header: SafetensorsHeader): TensorReader {
  return async (name, width, use) => {
    const { dtype, begin, end } = header.tensors.get(name)!;
    const rowBytes = width * bytesOf(dtype);
    const rows = Math.max(1, Math.floor(pieceBytes / rowBytes));
    for (let at = begin, row = 0; at < end; at += rows * rowBytes, row += rows) {
      const to = Math.min(end, at + rows * rowBytes);
      const bytes = await source.read(at, to);
      if (bytes.length !== to - at) {
        const problem = `the file ended at byte ${at + bytes.length} while it was read`;
        throw new FormatError(`${problem}, in tensor ${JSON.stringify(name)}.`, {
          offset: at + bytes.length,
          tensor: name,
        });
      }
      use(decodeValues(bytes, dtype), row);
    }
  };
}
