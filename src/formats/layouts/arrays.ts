import { MismatchError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { Tensor, Tensors } from '../../model/tensors.js';

/** The arrays of a file that layers are made of; each is taken once. */
export class Arrays {
  readonly #left = new Map<string, Tensor>();
  readonly #noun: string;

  /**
   * @param noun what its origin calls an array
   * @param leaveOut names of arrays that belong to no layer
   */
  constructor(arrays: Tensors, noun = 'tensor', leaveOut: (name: string) => boolean = () => false) {
    this.#noun = noun;
    for (const [name, array] of Object.entries(arrays)) {
      // A scalar is a step or a learning rate.
      if (array.shape.length === 0 || leaveOut(name)) continue;
      const count = array.shape.reduce((product, size) => product * size, 1);
      if (count !== array.data.length) {
        const shape = `shape ${show(array.shape)} needs ${count} values`;
        throw new MismatchError(`${noun} ${show(name)}: ${shape}, it has ${array.data.length}.`);
      }
      this.#left.set(name, array);
    }
  }

  /** Those that have not been taken, in the order of the file. */
  get names(): string[] {
    return [...this.#left.keys()];
  }

  has(name: string): boolean {
    return this.#left.has(name);
  }

  /** The shape of an array that has not been taken. */
  shapeOf(name: string): readonly number[] | undefined {
    return this.#left.get(name)?.shape;
  }

  /**
   * @param shape that it must have, -1 where any size will do
   * @param why what implies that shape
   */
  take(name: string, shape: readonly number[], why: string): Tensor {
    const array = this.#left.get(name);
    if (array === undefined) throw new MismatchError(`${this.#noun} ${show(name)} is missing; ${why}.`);
    const fits =
      array.shape.length === shape.length && array.shape.every((size, i) => [-1, size].includes(shape[i]!));
    if (!fits) throw this.mismatch(name, array.shape, why);
    this.#left.delete(name);
    return array;
  }

  /** As `take`; undefined when it is not there. */
  takeIfThere(name: string, shape: readonly number[], why: string): Tensor | undefined {
    return this.has(name) ? this.take(name, shape, why) : undefined;
  }

  mismatch(name: string, shape: readonly number[], why: string): MismatchError {
    return new MismatchError(`${this.#noun} ${show(name)} has shape ${show(shape)}; ${why}.`);
  }

  /** @param known which arrays make layers, for the message */
  checkLeftovers(known: string): void {
    if (this.#left.size === 0) return;
    const list = [...this.#left].slice(0, 10).map(([name, { shape }]) => `${show(name)} ${show(shape)}`);
    const more = this.#left.size > 10 ? ` and ${this.#left.size - 10} more` : '';
    throw new MismatchError(
      `no layer uses these ${this.#noun}s: ${list.join(', ')}${more}. ${known} Leave them out where the model can ` +
        'do without them.',
    );
  }
}
