import { type Place, strideOf } from './program.js';

/** Rows in activations of a frame, for as long as somebody needs them. */
interface Region {
  ld: number;
  /** the first step that touches it and the last one; −1 and infinity are what the host does before and after */
  first: number;
  last: number;
  places: { place: Place; column: number }[];
}

/** A column in a region; without one, in the frame's input. */
export interface Spot {
  region: Region | undefined;
  column: number;
  /** row stride in bytes */
  ld: number;
}

/** Shares activations out among what is needed at different times. */
export class Regions {
  readonly #all: Region[] = [];

  /** A region for rows of so many features. */
  add(width: number): Spot {
    const region = { ld: strideOf(width), first: Number.POSITIVE_INFINITY, last: -1, places: [] };
    this.#all.push(region);
    return { region, column: 0, ld: region.ld };
  }

  /**
   * A step reads or writes there.
   * @param place is filled in: at once for the input, else when all is known
   */
  use({ region, column, ld }: Spot, step: number, place: Place): void {
    place.ld = ld;
    place.offset = column * 4;
    if (region === undefined) return;
    region.first = Math.min(region.first, step);
    region.last = Math.max(region.last, step);
    region.places.push({ place, column });
  }

  /**
   * Gives every region the lowest activations that nobody needs while it is needed: a plain stack has two, by turns.
   * Steps are parted by meetings, so what one step reads the next one can write over. What a loop has to itself, each
   * time step writes before it reads, so its rows are those of one time step; what else a loop touches is needed until
   * its last time step is done.
   * @param loops ranges [from, to) of steps
   */
  assign(loops: readonly { from: number; to: number }[]): { slots: number; widest: number } {
    for (const { from, to } of loops) {
      for (const region of this.#all) {
        if (region.last < from || region.first >= to) continue;
        const isOwn = region.first >= from && region.last < to;
        if (isOwn) for (const { place } of region.places) place.still = true;
        else {
          region.first = Math.min(region.first, from);
          region.last = Math.max(region.last, to - 1);
        }
      }
    }
    const lasts: number[] = [];
    for (const region of [...this.#all].sort((a, b) => a.first - b.first)) {
      let slot = lasts.findIndex((last) => last < region.first);
      if (slot < 0) slot = lasts.length;
      lasts[slot] = region.last;
      for (const { place } of region.places) place.slot = slot;
    }
    return { slots: lasts.length, widest: Math.max(0, ...this.#all.map(({ ld }) => ld)) };
  }
}
