import { sample } from './sampler.js';

/** A byte-level model that writes on, one step for a character. */
export class Writer {
  #session;
  #vocab;
  #ids;
  #logits;
  #x = new Int32Array(1);

  constructor(model) {
    this.#session = model.session();
    this.#vocab = model.vocab;
    this.#ids = new Map(model.vocab.map((byte, id) => [byte, id]));
  }

  /** Forgets everything and reads a prompt; returns what of it the model has letters for. */
  begin(prompt) {
    this.#session.reset();
    const known = [...new TextEncoder().encode(prompt)].filter((byte) => this.#ids.has(byte));
    // A model that has read nothing has said nothing yet: it begins with a new line.
    const bytes = known.length > 0 ? known : [10];
    for (const byte of bytes) this.#step(this.#ids.get(byte));
    return String.fromCharCode(...bytes);
  }

  /** The next character. */
  write(temperature) {
    const id = sample(this.#logits, temperature);
    this.#step(id);
    return String.fromCharCode(this.#vocab[id]);
  }

  /** h of every unit. */
  state() {
    return this.#session.snapshot()[0].h;
  }

  #step(id) {
    this.#x[0] = id;
    this.#logits = this.#session.step(this.#x);
  }
}
