import { deflateRawSync } from 'node:zlib';
import { writeNpy } from '#dist/formats/npy.js';
import type { Tensors } from '#dist/model/tensors.js';

/** What may be said wrongly of a file in an archive. */
export interface Archived {
  bytes: Uint8Array;
  /** packs it; default not */
  deflate?: boolean;
  /** said in place of the truth */
  said?: {
    size?: number;
    packed?: number;
    checksum?: number;
    method?: number;
    flags?: number;
    header?: number;
  };
}

/** A zip archive made by hand from the format's definition. */
export function zipOf(files: Record<string, Archived | Uint8Array>, comment = ''): Uint8Array {
  const parts: Buffer[] = [];
  const records: Buffer[] = [];
  let at = 0;
  for (const [name, file] of Object.entries(files)) {
    const { bytes, deflate = false, said = {} } = file instanceof Uint8Array ? { bytes: file } : file;
    const data = deflate ? deflateRawSync(bytes) : Buffer.from(bytes);
    const method = said.method ?? (deflate ? 8 : 0);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(said.flags ?? 0, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(said.checksum ?? checksumOf(bytes), 10);
    common.writeUInt32LE(said.packed ?? data.length, 14);
    common.writeUInt32LE(said.size ?? bytes.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const record = Buffer.alloc(46);
    record.writeUInt32LE(0x02014b50, 0);
    common.copy(record, 6);
    record.writeUInt32LE(said.header ?? at, 42);
    records.push(record, Buffer.from(name));
    const local = [Buffer.from('PK\u0003\u0004'), common, Buffer.from(name), data];
    parts.push(...local);
    at += local.reduce((sum, { length }) => sum + length, 0);
  }
  const size = records.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(at, 16);
  end.writeUInt16LE(Buffer.byteLength(comment), 20);
  return new Uint8Array(Buffer.concat([...parts, ...records, end, Buffer.from(comment)]));
}

/** Arrays as numpy.savez writes them, by their names. */
export function npzOf(arrays: Tensors): Uint8Array {
  const files = Object.entries(arrays).map(([name, { shape, data }]) => [
    `${name}.npy`,
    writeNpy(shape, data),
  ]);
  return zipOf(Object.fromEntries(files) as Record<string, Uint8Array>);
}

function checksumOf(bytes: Uint8Array): number {
  let rest = -1;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  }
  return ~rest >>> 0;
}
