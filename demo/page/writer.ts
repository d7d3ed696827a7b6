import type { Model, Session } from 'blockrnn';
import { sample } from './sampler.js';

/** A model that knows which byte each of its ids is. */
export type ByteModel = Model & { readonly vocab: readonly number[] };

/** A byte-level model that writes on, one step for a character. */
export class Writer {
  readonly #session: Session;
  readonly #vocab: readonly number[];
  readonly #ids: ReadonlyMap<number, number>;
  readonly #x = new Int32Array(1);
  #logits: Float32Array = new Float32Array(0);

  constructor(model: ByteModel) {
    this.#session = model.session();
    this.#vocab = model.vocab;
    this.#ids = new Map(model.vocab.map((byte, id) => [byte, id]));
  }

  /** Forgets everything and reads a prompt; returns what of it the model has letters for. */
  begin(prompt: string): string {
    this.#session.reset();
    const known = [...new TextEncoder().encode(prompt)].filter((byte) => this.#ids.has(byte));
    // A model that has read nothing has said nothing yet: it begins with a new line.
    const bytes = known.length > 0 ? known : [10];
    for (const byte of bytes) this.#step(this.#ids.get(byte) ?? 0);
    return String.fromCharCode(...bytes);
  }

  /** The next character. */
  write(temperature: number): string {
    const id = sample(this.#logits, temperature);
    this.#step(id);
    return String.fromCharCode(this.#vocab[id]);
  }

  /** h of every unit. */
  state(): Float32Array {
    return this.#session.snapshot()[0].h;
  }

  #step(id: number): void {
    this.#x[0] = id;
    this.#logits = this.#session.step(this.#x);
  }
}
