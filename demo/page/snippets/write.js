import { loadModel } from 'blockrnn';
import { sample } from '../sampler.js';

/** Opens a model of bytes that reads and writes one after the other, and remembers. */
export async function openWriter(url, options) {
  const model = await loadModel(url, options);
  const session = model.session();
  const ids = new Map(model.vocab.map((byte, id) => [byte, id]));
  let logits;
  const read = (byte) => {
    logits = session.step(Int32Array.of(ids.get(byte)));
  };
  const write = (temperature) => {
    const byte = model.vocab[sample(logits, temperature)];
    read(byte);
    return String.fromCharCode(byte);
  };
  return { model, session, ids, read, write };
}
