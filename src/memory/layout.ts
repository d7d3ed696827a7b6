/** Addresses are multiples of a cache line, so that no two workers write to one. */
const line = 64;

/** Rounds `value` up to a multiple of `step`. */
export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** Hands out addresses of a memory that does not exist yet: sizes are known before anything is placed. */
export interface Layout {
  /** bytes used so far */
  bytes: number;
  /** Reserves room for `floats` 4-byte values and returns its byte address. */
  place(floats: number): number;
}

/** An empty layout. Address 0 stays free: for kernels it means "none". */
export function beginLayout(): Layout {
  return {
    bytes: line,
    place(floats) {
      const address = this.bytes;
      this.bytes = roundUp(address + floats * 4, line);
      return address;
    },
  };
}
