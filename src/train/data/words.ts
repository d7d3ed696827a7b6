import { UnsupportedError } from '../../base/errors.js';
import { maxSize } from '../../model/given.js';
import { mapParts, type Parts } from './split.js';

/** Texts as ids of their words. */
export interface WordCorpus {
  /** id → word, in the order in which they first occur */
  words: string[];
  ids: Parts<Int32Array>;
}

/** Stands at the end of every line. */
export const endOfLine = '<eos>';

/**
 * Numbers the words of a corpus as PyTorch's word_language_model does: words are what stands between white space, every
 * line (the last also without its newline) ends in `<eos>`, and one vocabulary has the words of all parts.
 * @throws UnsupportedError when there are more words than a layer may have rows
 */
export function encodeWords(parts: Parts<string>): WordCorpus {
  const idOf = new Map<string, number>();
  const words: string[] = [];
  const encode = (word: string) => {
    let id = idOf.get(word);
    if (id === undefined) {
      id = words.length;
      if (id === maxSize) {
        const problem = `the corpus has more than ${maxSize} distinct words`;
        throw new UnsupportedError(`${problem}. Replace the rare ones by <unk>.`, 'vocabulary size');
      }
      idOf.set(word, id);
      words.push(word);
    }
    return id;
  };
  const ids = mapParts(parts, (text) => {
    const found: number[] = [];
    let isOpen = false;
    for (const [token] of text.matchAll(/\S+|\n/g)) {
      isOpen = token !== '\n';
      found.push(encode(isOpen ? token : endOfLine));
    }
    if (isOpen) found.push(encode(endOfLine));
    return Int32Array.from(found);
  });
  return { words, ids };
}
