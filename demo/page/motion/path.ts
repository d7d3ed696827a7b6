// What networks of gestures read; the evidence in bench/ trains on the same.

/** positions of a window */
export const points = 16;
/** Positions are parts of the picture's width and height, and a gesture covers about a tenth of them. */
const scale = 10;

/**
 * x [points, 2], where each position stands from the first one: (position − first) · scale.
 * @param positions [points, 2], parts of the picture's width and height
 */
export function relate(positions: ArrayLike<number>): Float32Array {
  const out = new Float32Array(2 * points);
  for (let at = 0; at < out.length; at++) out[at] = (positions[at]! - positions[at % 2]!) * scale;
  return out;
}

/**
 * The last positions of a fingertip. They are read all together, at every new one, from a state of zeros: the network
 * was trained on such windows, positions from the first of each, and asked at the last. A state that went on from
 * point to point would have an origin that lies farther back with every step, which it has never seen; and 16 steps
 * of so small a network take some microseconds.
 */
export class Path {
  readonly #positions = new Float64Array(2 * points);

  constructor() {
    this.begin(0, 0);
  }

  /** Forgets the way here: as if the fingertip had always rested at (x, y). */
  begin(x: number, y: number): void {
    for (let at = 0; at < 2 * points; at += 2) {
      this.#positions[at] = x;
      this.#positions[at + 1] = y;
    }
  }

  /** The next position; the oldest one is forgotten. */
  push(x: number, y: number): void {
    this.#positions.copyWithin(0, 2);
    this.#positions[2 * points - 2] = x;
    this.#positions[2 * points - 1] = y;
  }

  /** @returns x [points, 2] of a network */
  read(): Float32Array {
    return relate(this.#positions);
  }
}
