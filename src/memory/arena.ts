import { ArgumentRangeError } from '../base/errors.js';

const pageBytes = 65536;
/** 4 GiB less a page: the most that 32-bit addresses reach with room for a kernel to read a vector past the end. */
const mostBytes = 2 ** 32 - pageBytes;

/** One model's memory, whole: weights, state and scratch. It never grows, so its views stay valid for life. */
export interface Arena {
  readonly memory: WebAssembly.Memory;
  readonly f32: Float32Array;
  readonly i32: Int32Array;
  readonly u8: Uint8Array;
  readonly shared: boolean;
}

/**
 * Makes the memory for a layout of `bytes`. Its maximum is its size: engines only commit pages that are
 * touched, but a larger maximum would claim addresses that a phone does not have.
 * @throws RangeError when the model does not fit 32-bit addresses, or the engine has no room
 */
export function createArena(bytes: number, shared: boolean): Arena {
  if (bytes > mostBytes) {
    throw new ArgumentRangeError(
      `the model needs ${(bytes / 2 ** 30).toFixed(1)} GiB; WebAssembly addresses end at 4 GiB. Use fewer or smaller layers.`,
    );
  }
  // One spare page: kernels read whole vectors, up to 12 bytes past the last value.
  const pages = Math.ceil(bytes / pageBytes) + 1;
  return openArena(newMemory(pages, shared), shared);
}

/** The arena over a memory that another thread has made. */
export function openArena(memory: WebAssembly.Memory, shared: boolean): Arena {
  const { buffer } = memory;
  return {
    memory,
    f32: new Float32Array(buffer),
    i32: new Int32Array(buffer),
    u8: new Uint8Array(buffer),
    shared,
  };
}

function newMemory(pages: number, shared: boolean): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ArgumentRangeError(
      `the engine has no room for a memory of ${Math.ceil(pages / 16)} MiB; dispose of other models first.`,
    );
  }
}
