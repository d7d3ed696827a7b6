import { strideOf } from '../../pack/program.js';
import type { Link } from './link.js';
import { type Operand, shifted } from './links.js';
import type { Plan } from './params.js';
import type { RowCopy } from './program.js';

/** Room for the gradient of one value at a time; its address is known when all have been handed out. */
interface Slot {
  /** the widest rows that it has, bytes */
  ld: number;
  at: number;
  isTaken: boolean;
}

/** Rows of a gradient in a slot. */
interface Slope {
  slot: Slot;
  ld: number;
}

/** A copy of which one end or both are not placed yet. */
interface Spread {
  from: { slope: Slope; column: number } | undefined;
  to: { slope: Slope; column: number };
  width: number;
  how: RowCopy['how'];
}

/** Of one operation, what `place` makes its route of. */
export interface Way {
  dy: Slope | undefined;
  dx: (Slope | undefined)[];
  spread: Spread[];
}

/**
 * Plans where the gradients of values lie, from the last operation to the first, so that each has room from its first
 * reader on the way back until its own layer has used it up. Of a value that several read, the gradients are added from
 * the last reader to the first, whatever the number of workers.
 */
export class Gradients {
  readonly #slots: Slot[] = [];
  readonly #slopes = new Map<number, Slope>();
  /** of delays in a loop, whose way back comes before anybody has written theirs */
  readonly #promised = new Map<number, Slope>();
  /** what is free again behind the loop; undefined outside of one */
  #held: Slot[] | undefined;

  constructor(
    readonly widthOf: (value: number) => number,
    /** whether a value depends on a parameter */
    readonly needs: (value: number) => boolean,
  ) {}

  /**
   * The way back through an operation; those that come after it have had theirs.
   * @param layer its number; undefined for the head, whose own gradient is the loss's
   * @param isSum whether the gradient of each operand is that of the output
   */
  back(layer: number | undefined, operands: readonly Operand[], isSum = false): Way {
    const dy = layer === undefined ? undefined : (this.#slopes.get(layer) ?? this.#promised.get(layer));
    const way: Way = { dy, dx: operands.map(() => undefined), spread: [] };
    if (layer !== undefined && dy === undefined) return way;
    const own: Slope[] = [];
    for (const [index, operand] of operands.entries()) {
      if (!operand.fragments.some(({ value }) => this.needs(value))) continue;
      const { whole } = operand;
      if (whole !== undefined && !isSum && !this.#slopes.has(whole)) {
        way.dx[index] = this.#begin(whole);
        continue;
      }
      const dx = isSum ? dy! : this.#take(operand.link.ld);
      if (!isSum) own.push(dx);
      way.dx[index] = dx;
      way.spread.push(...this.#spread(dx, operand));
    }
    for (const { slot } of own) this.#release(slot);
    if (dy !== undefined) this.#release(dy.slot);
    return way;
  }

  /**
   * From here on to `leaveLoop` operations go back together, one step after the other. Rows of all steps stay until all
   * have been there: weights take their gradients from them afterwards, and a slot that had another reader in between
   * would have rows of two strides.
   * @param members layers that come back to themselves
   * @param delays those of them that bring what later steps hand back, before the others have their turn
   */
  enterLoop(members: readonly number[], delays: readonly number[]): void {
    this.#held = [];
    if (!members.some((member) => this.#slopes.has(member))) return;
    for (const delay of delays)
      if (!this.#slopes.has(delay)) this.#promised.set(delay, this.#take(strideOf(this.widthOf(delay))));
  }

  leaveLoop(): void {
    for (const slot of this.#held!) slot.isTaken = false;
    this.#held = undefined;
  }

  #release(slot: Slot): void {
    if (this.#held === undefined) slot.isTaken = false;
    else this.#held.push(slot);
  }

  #spread(dx: Slope, { fragments, whole }: Operand): Spread[] {
    const all: Spread[] = [];
    if (whole !== undefined) {
      const isNew = !this.#slopes.has(whole);
      const slope = this.#slopes.get(whole) ?? this.#begin(whole);
      const to = { slope, column: 0 };
      // With its padding, which is zero in one as in the other.
      return [{ from: { slope: dx, column: 0 }, to, width: slope.ld / 4, how: isNew ? 'copy' : 'add' }];
    }
    let first = 0;
    for (const { value, column, width } of fragments) {
      const from = { slope: dx, column: first };
      first += width;
      if (!this.needs(value)) continue;
      let slope = this.#slopes.get(value);
      if (slope === undefined) {
        slope = this.#begin(value);
        all.push({ from: undefined, to: { slope, column: 0 }, width: slope.ld / 4, how: 'zero' });
      }
      all.push({ from, to: { slope, column }, width, how: 'add' });
    }
    return all;
  }

  #begin(value: number): Slope {
    const slope = this.#promised.get(value) ?? this.#take(strideOf(this.widthOf(value)));
    this.#slopes.set(value, slope);
    return slope;
  }

  /** The free slot that is just wide enough, else the widest one, which grows, else a new one. */
  #take(ld: number): Slope {
    const free = this.#slots.filter(({ isTaken }) => !isTaken).sort((a, b) => a.ld - b.ld);
    let slot = free.find((one) => one.ld >= ld) ?? free.at(-1);
    if (slot === undefined) {
      slot = { ld, at: 0, isTaken: false };
      this.#slots.push(slot);
    }
    slot.isTaken = true;
    slot.ld = Math.max(slot.ld, ld);
    return { slot, ld };
  }

  /** Places all slots, and gives what makes a route's part of a way. */
  place({ layout, rows }: Plan): (way: Way) => { dy: number; dx: number[]; spread: RowCopy[] } {
    for (const slot of this.#slots) slot.at = layout.place((rows * slot.ld) / 4);
    const at = (slope: Slope | undefined) => slope?.slot.at ?? 0;
    const linkOf = ({ slope, column }: { slope: Slope; column: number }): Link =>
      shifted({ y: at(slope), ld: slope.ld, skip: 0 }, column);
    return ({ dy, dx, spread }) => ({
      dy: at(dy),
      dx: dx.map(at),
      spread: spread.map(({ from, to, width, how }) => ({
        from: linkOf(from ?? to),
        to: linkOf(to),
        width,
        how,
      })),
    });
  }
}
