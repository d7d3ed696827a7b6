import { mapParts, type Parts } from './split.js';

/** Texts as ids of their bytes. */
export interface ByteCorpus {
  /** id → byte: the bytes that occur, in order */
  vocab: number[];
  ids: Parts<Int32Array>;
}

/** Numbers the bytes of a corpus: the vocabulary has those of all parts, so that none is unknown in another. */
export function encodeCorpus(parts: Parts<Uint8Array>): ByteCorpus {
  const idOf = new Int32Array(256).fill(-1);
  mapParts(parts, (bytes) => {
    for (let i = 0; i < bytes.length; i++) idOf[bytes[i]!] = 0;
  });
  const vocab: number[] = [];
  for (let byte = 0; byte < 256; byte++) {
    if (idOf[byte] === -1) continue;
    idOf[byte] = vocab.length;
    vocab.push(byte);
  }
  const ids = mapParts(parts, (bytes) => {
    const encoded = new Int32Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) encoded[i] = idOf[bytes[i]!]!;
    return encoded;
  });
  return { vocab, ids };
}
