import { ArgumentRangeError, ArgumentTypeError, MismatchError } from '../base/errors.js';
import { integer, show } from '../base/guards.js';
import type { ModelSpec } from '../model/spec.js';

/**
 * Checks the vocabulary of a byte-level model, id → byte, and returns a copy.
 * @param vocab 1..256 distinct integers within 0..255, as many as the embedding has rows, if there is one
 * @throws TypeError, RangeError for what is no vocabulary; MismatchError when the embedding is of another size
 */
export function checkVocab(vocab: unknown, spec: ModelSpec): number[] {
  if (!Array.isArray(vocab))
    throw new ArgumentTypeError(`vocab must be an array of bytes, got ${show(vocab)}.`);
  integer(vocab.length, 'the length of vocab', 1, 256);
  const bytes = vocab.map((byte, id) => integer(byte, `vocab[${id}]`, 0, 255));
  if (new Set(bytes).size !== bytes.length) {
    const id = bytes.findIndex((byte, index) => bytes.indexOf(byte) !== index);
    throw new ArgumentRangeError(
      `vocab[${id}] is ${bytes[id]}, as is vocab[${bytes.indexOf(bytes[id]!)}]; bytes must differ.`,
    );
  }
  const [first] = spec.layers;
  if (first?.kind === 'embedding' && first.count !== bytes.length) {
    throw new MismatchError(
      `vocab has ${bytes.length} bytes, the embedding ${show(first.name)} has ${first.count} rows.`,
    );
  }
  return bytes;
}
