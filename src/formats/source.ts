/** Bytes that are read when they are needed: of a file, a Blob or an array. An object literal makes one. */
export interface ByteSource {
  /** bytes in all */
  readonly size: number;
  /** Bytes [from, to). They last only until the next read. Fewer come only when the source has become shorter. */
  read(from: number, to: number): Promise<Uint8Array>;
  close(): Promise<void>;
  /** All bytes of the file of this name in the same folder, where there is one. */
  beside?(name: string): Promise<Uint8Array>;
}

/** Bytes that are in memory already. */
export function sourceOf(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: async (from, to) => bytes.subarray(from, to), close: async () => {} };
}
