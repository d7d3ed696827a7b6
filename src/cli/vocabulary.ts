import { FormatError } from '../base/errors.js';
import { isObject, type Json } from '../formats/json.js';
import { about } from './failure.js';
import { readJson } from './files.js';

/** A byte that a model has no id for. */
class VocabularyError extends Error {
  override readonly name = 'VocabularyError';
  readonly code = 'ERR_VOCABULARY';
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

/**
 * The vocabulary in a JSON file: an array of bytes, or an object that has one under `vocab_bytes` or `vocab`.
 * What the array holds is checked with the model.
 */
export async function readVocab(path: string, signal: AbortSignal): Promise<Json[]> {
  const value = await readJson(path, signal);
  return about(path, () => {
    const found = isObject(value) ? (value.vocab_bytes ?? value.vocab) : value;
    if (Array.isArray(found)) return found;
    throw new FormatError('there is no vocabulary in it: an array of bytes, or { "vocab_bytes": [...] }.');
  });
}

/** byte → id; -1 for a byte that is in no place of the vocabulary. */
export function invertVocab(vocab: readonly number[]): Int16Array {
  const idOf = new Int16Array(256).fill(-1);
  for (const [id, byte] of vocab.entries()) idOf[byte] = id;
  return idOf;
}

/**
 * The ids of bytes [from, to).
 * @throws VocabularyError naming the first byte without one, and its offset in `bytes`
 */
export function encodeBytes(
  bytes: Uint8Array,
  idOf: Int16Array,
  what: string,
  from = 0,
  to = bytes.length,
): Int32Array {
  const ids = new Int32Array(to - from);
  for (let at = from; at < to; at++) {
    const id = idOf[bytes[at]!]!;
    if (id < 0) {
      const size = idOf.reduce((known, each) => known + (each >= 0 ? 1 : 0), 0);
      const byte = describeByte(bytes, at);
      throw new VocabularyError(
        `byte ${at} of ${what} is ${byte}, which is not among the ${size} bytes of the model's vocabulary.`,
        at,
      );
    }
    ids[at - from] = id;
  }
  return ids;
}

/** A byte in hex, with the character that it is or begins: 0x7e ("~"), 0xc3 (of "é"). */
function describeByte(bytes: Uint8Array, at: number): string {
  const byte = bytes[at]!;
  const hex = `0x${byte.toString(16).padStart(2, '0')}`;
  if (byte < 0x7f) return `${hex} (${JSON.stringify(String.fromCharCode(byte))})`;
  const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 0;
  if (length === 0) return hex;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.slice(at, at + length));
    return `${hex} (of ${JSON.stringify(text)})`;
  } catch {
    return hex;
  }
}
