import type { RecurrentOp } from '../pack/program.js';
import type { Piece, Seat } from './piece.js';

/** What a part does in a step: nothing, all of its blocks, or some of them, which only parts of diagonal layers have. */
export type Update = 'none' | 'all' | 'some';

/** A recurrent layer's columns of the frame's masks, read as they are at each piece. */
export class Mask {
  readonly #bytes: Uint8Array;
  readonly #first: number;
  readonly #width: number;
  readonly #blocks: number;
  /** blocks in a part */
  readonly #each: number;
  /** where those of the piece begin */
  #at: number;

  constructor({ mask, diagonal, hidden, units, parts }: RecurrentOp, { bytes, frame }: Seat) {
    this.#bytes = bytes;
    this.#first = frame.masks.at + mask;
    this.#at = this.#first;
    this.#width = frame.masks.width;
    this.#blocks = diagonal ? hidden : parts;
    this.#each = diagonal ? units : 1;
  }

  /** The frame's masks are one for each of its steps, and a piece of a loop begins with one of them. */
  begin({ row, batch }: Piece): void {
    this.#at = this.#first + (row / batch) * this.#width;
  }

  /** Whether a block updates in a step of the piece. */
  updates(step: number, block: number): boolean {
    return this.#bytes[this.#at + step * this.#width + block] !== 0;
  }

  /** What a part does in a step of the piece. */
  of(step: number, part: number): Update {
    const first = part * this.#each;
    const end = Math.min(this.#blocks, first + this.#each);
    const update = this.updates(step, first);
    for (let block = first + 1; block < end; block++) if (this.updates(step, block) !== update) return 'some';
    return update ? 'all' : 'none';
  }

  /** The end of the steps from one on in which a part does the same; those of which some blocks update stand alone. */
  endOf(step: number, part: number, steps: number): number {
    const update = this.of(step, part);
    let end = step + 1;
    if (update !== 'some') while (end < steps && this.of(end, part) === update) end++;
    return end;
  }

  /** Whether two parts do the same in all steps, and as a whole. */
  agree(part: number, other: number, steps: number): boolean {
    for (let step = 0; step < steps; step++) {
      const update = this.of(step, part);
      if (update === 'some' || this.of(step, other) !== update) return false;
    }
    return true;
  }
}
