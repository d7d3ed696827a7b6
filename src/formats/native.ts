import { ArgumentRangeError, FormatError, MismatchError, UnsupportedError } from '../base/errors.js';
import { show } from '../base/guards.js';
import { checkSpec } from '../model/check.js';
import { isRecurrent, type ModelSpec, stripsOf } from '../model/spec.js';
import { checkShape, checkTensors, type ModelFile, matchTensors, type Tensors } from '../model/tensors.js';
import type { SafetensorsHeader } from './header.js';
import { isObject, type Json, parseJson } from './json.js';
import { checkDtype, readTensor, type SafetensorsOptions, writeTensors } from './safetensors.js';
import { checkVocab } from './vocab.js';

/**
 * The package's own files: safetensors whose metadata has, under `blockrnn`, the JSON
 *
 *   { "version": 1, "spec": { "layers": [ … ] }, "vocab": [ byte of id 0, byte of id 1, … ] }
 *
 * with `vocab` only for byte-level models. The tensors are exactly those that the spec implies. Index streams of strips
 * are F32 in a file of F16, too, which has not all whole numbers.
 */

export const metadataKey = 'blockrnn';
const version = 1;

export interface DecodeOptions {
  /** used in place of the file's own spec */
  spec?: unknown;
  /** used in place of the file's own vocabulary */
  vocab?: unknown;
}

/** What the metadata of a native file say. */
export interface NativeFacts {
  spec: ModelSpec;
  vocab: number[] | undefined;
}

/**
 * Reads the metadata of a native file, and checks that its tensors are those that the spec implies.
 * @throws FormatError when the metadata are broken; MismatchError when spec and tensors disagree;
 *   UnsupportedError for a later version or another dtype
 */
export function readFacts(header: SafetensorsHeader, options: DecodeOptions = {}): NativeFacts {
  const stated = parseMetadata(header.metadata[metadataKey] ?? '');
  const spec =
    options.spec === undefined ? stored('spec', () => checkSpec(stated.spec)) : checkSpec(options.spec);
  for (const [name, entry] of header.tensors) checkDtype(name, entry);
  matchTensors(spec, Object.fromEntries(header.tensors), (name, shape, entry) =>
    checkShape(name, shape, entry.shape),
  );
  let vocab: number[] | undefined;
  if (options.vocab !== undefined) vocab = checkVocab(options.vocab, spec);
  else if (stated.vocab !== undefined) vocab = stored('vocab', () => checkVocab(stated.vocab, spec));
  return { spec, vocab };
}

/**
 * Reads a native model from a file whose header has been read.
 * @throws as readFacts
 */
export function decodeNative(
  bytes: Uint8Array,
  header: SafetensorsHeader,
  options: DecodeOptions = {},
): ModelFile {
  const { spec, vocab } = readFacts(header, options);
  const tensors: Tensors = {};
  for (const [name, entry] of header.tensors) tensors[name] = readTensor(bytes, name, entry);
  return vocab === undefined ? { spec, tensors } : { spec, tensors, vocab };
}

function parseMetadata(text: string): { spec: Json; vocab: Json | undefined } {
  const value = parseJson(
    text,
    (problem, at) => new FormatError(`metadata "${metadataKey}" is broken at character ${at}: ${problem}.`),
  );
  if (!isObject(value) || !Number.isInteger(value.version) || !isObject(value.spec)) {
    const shape = '{ "version": 1, "spec": { "layers": [...] } }';
    throw new FormatError(`metadata "${metadataKey}" must be ${shape}, it is ${show(value)}.`);
  }
  if (value.version !== version) {
    const problem = `the file is of version ${value.version} of the blockrnn metadata; version ${version} is read`;
    throw new UnsupportedError(`${problem}. A later release of blockrnn may read it.`, 'native version');
  }
  return { spec: value.spec, vocab: value.vocab };
}

/** The checks' TypeError and RangeError are about a caller's mistake; what stands in a file is the file's. */
function stored<T>(what: string, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (cause instanceof MismatchError) throw cause;
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError(`${what} in metadata "${metadataKey}" is broken: ${problem}`, { cause });
  }
}

/**
 * Writes a model as a native file. The same model gives the same bytes.
 * @param options.dtype type of the stored weights, 'f32' (default) or 'f16'
 * @param options.metadata strings by name that the file shall have beside its own under `blockrnn`
 * @throws TypeError, RangeError for a wrong spec, and RangeError when a weight is too large for f16; MismatchError when spec
 *   and tensors disagree, and for a vocabulary of another size
 */
export function encodeModel(file: ModelFile, options: SafetensorsOptions = {}): Uint8Array {
  const spec = checkSpec(file.spec);
  const tensors = checkTensors(spec, file.tensors);
  for (const layer of spec.layers) {
    if (!layer.name.isWellFormed())
      throw new ArgumentRangeError(`layer ${show(layer.name)} has half a surrogate pair in its name.`);
  }
  const indices = new Set(
    spec.layers.flatMap((layer) => {
      if (layer.kind === 'shuffle') return [`${layer.name}.order`];
      return isRecurrent(layer) && stripsOf(layer) ? [`${layer.name}.strips`] : [];
    }),
  );
  const stated = {
    version,
    spec,
    ...(file.vocab === undefined ? {} : { vocab: checkVocab(file.vocab, spec) }),
  };
  const metadata = { ...options.metadata, [metadataKey]: JSON.stringify(stated) };
  return writeTensors(tensors, { ...options, metadata }, (name) => indices.has(name));
}
