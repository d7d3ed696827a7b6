const importSection = 2;
const isShared = 3;
/** 65536 pages, all of 32 bits, in LEB128: the most that a shared memory has to name */
const mostPages = [0x80, 0x80, 0x04];

/**
 * The binary for a shared memory, made from the one for a memory of one's own. They differ in how they import it, in
 * its flags and its maximum, and in no other byte; so half of what a page would have to download need not be there.
 * A test compares what is made with what the compiler makes.
 * @param bytes a binary whose only import is its memory
 */
export function withSharedMemory(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at++];
    let length = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      more = bytes[at]! >= 0x80;
      length |= (bytes[at++]! & 0x7f) << shift;
    }
    const end = at + length;
    if (id !== importSection) {
      at = end;
      continue;
    }
    // one import · 3 "env" · 6 "memory" · kind 2 · flags · least pages
    const flags = at + 13;
    const more = mostPages.length;
    if (length + more >= 0x80 || bytes[flags - 1] !== 2 || bytes[flags] !== 0) break;
    const made = new Uint8Array(bytes.length + more);
    made.set(bytes.subarray(0, end));
    made[at - 1] = length + more;
    made[flags] = isShared;
    made.set(mostPages, end);
    made.set(bytes.subarray(end), end + more);
    return made;
  }
  throw new Error('This binary does not import its memory as the kernels do.');
}
