import { FormatError, UnsupportedError } from '../base/errors.js';
import { show } from '../base/guards.js';

/**
 * Reading of zip archives, as numpy.savez and Keras write them. What counts is the directory at the end:
 *
 *   | entry: header, name, extra, data | … | directory: one record for each entry | end: where the directory lies |
 *
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (sections 4.3.7, 4.3.12 and 4.3.16)
 */

/** One file of an archive. */
export interface ZipEntry {
  name: string;
  /** bytes of the file itself */
  size: number;
  /** Its bytes. @throws FormatError when they are not what the directory says */
  read(): Promise<Uint8Array>;
}

const signature = { entry: 0x04034b50, record: 0x02014b50, end: 0x06054b50 };
const stored = 0;
const deflated = 8;
/** The end is found from behind; a comment of at most 65535 bytes may follow it. */
const endBytes = 22;
const mostComment = 65_535;
const mostEntries = 65_535;
/** No deflate stream grows more than this: 258 bytes from two bits. */
const mostGrowth = 1032;
/** Bytes that the files of one archive may have together. */
const mostBytes = 2 ** 31;

/** Whether bytes begin as an archive with a file in it does. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes.length >= endBytes && viewOf(bytes).getUint32(0, true) === signature.entry;
}

/**
 * The files of an archive, in the order of its directory. Nothing is unpacked before it is read, and what an archive can
 * make of memory is limited: 2 GiB in all, and no file larger than its packed bytes can give.
 * @throws FormatError for a broken archive; UnsupportedError for encryption, zip64 and methods other than deflate
 */
export function openZip(bytes: Uint8Array): Map<string, ZipEntry> {
  const view = viewOf(bytes);
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  const start = view.getUint32(end + 16, true);
  if (view.getUint16(end + 4, true) !== 0 || view.getUint16(end + 6, true) !== 0)
    throw new UnsupportedError('the zip archive is one part of several.', 'zip parts');
  if (count === mostEntries || start === 0xffffffff) throw zip64();
  const entries = new Map<string, ZipEntry>();
  const places: { from: number; to: number; name: string }[] = [];
  let at = start;
  let total = 0;
  for (let index = 0; index < count; index++) {
    const record = readRecord(bytes, view, at, end);
    const { name, size } = record;
    if (entries.has(name)) throw broken(`the name ${show(name)} stands twice in its directory`, at);
    total += size;
    if (total > mostBytes)
      throw new UnsupportedError(
        `the files of the zip archive have more than ${mostBytes} bytes together.`,
        'zip size',
      );
    const from = findData(view, record, start);
    places.push({ from: record.header, to: from + record.packed, name });
    entries.set(name, { name, size, read: () => unpack(bytes.subarray(from, from + record.packed), record) });
    at = record.next;
  }
  // Files that share their bytes are how a small archive becomes a large one.
  places.sort((a, b) => a.from - b.from);
  for (const [index, { from, name }] of places.entries()) {
    const before = places[index - 1];
    if (before !== undefined && before.to > from)
      throw broken(`${show(before.name)} and ${show(name)} share bytes`, from);
  }
  return entries;
}

interface Record {
  name: string;
  method: number;
  checksum: number;
  /** bytes in the archive */
  packed: number;
  size: number;
  /** byte of the entry's own header */
  header: number;
  /** byte of the record after this one */
  next: number;
}

function findEnd(view: DataView): number {
  const least = Math.max(0, view.byteLength - endBytes - mostComment);
  for (let at = view.byteLength - endBytes; at >= least; at--) {
    const isEnd = view.getUint32(at, true) === signature.end;
    if (isEnd && at + endBytes + view.getUint16(at + 20, true) === view.byteLength) return at;
  }
  throw broken('it has no directory at its end, so it is cut short', view.byteLength);
}

function readRecord(bytes: Uint8Array, view: DataView, at: number, end: number): Record {
  if (at + 46 > end || view.getUint32(at, true) !== signature.record)
    throw broken('a record of its directory is missing', at);
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const packed = view.getUint32(at + 20, true);
  const size = view.getUint32(at + 24, true);
  const header = view.getUint32(at + 42, true);
  const names = at + 46;
  const next =
    names + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  if (next > end) throw broken('a record of its directory goes beyond its end', at);
  const name = new TextDecoder().decode(bytes.subarray(names, names + view.getUint16(at + 28, true)));
  if ((flags & 1) !== 0)
    throw new UnsupportedError(`${show(name)} in the zip archive is encrypted.`, 'zip encryption');
  if (packed === 0xffffffff || size === 0xffffffff || header === 0xffffffff) throw zip64();
  if (method !== stored && method !== deflated)
    throw new UnsupportedError(
      `${show(name)} in the zip archive is packed by method ${method}; 0 (stored) and 8 (deflated) are read.`,
      'zip method',
    );
  if (method === stored ? packed !== size : size > packed * mostGrowth)
    throw broken(`${show(name)} cannot have ${size} bytes out of ${packed}`, at);
  return { name, method, checksum: view.getUint32(at + 16, true), packed, size, header, next };
}

/** Where the data of a file begin: behind a header of its own, whose name and extra field may differ in length. */
function findData(view: DataView, { header, packed, name }: Record, directory: number): number {
  if (header + 30 > directory || view.getUint32(header, true) !== signature.entry)
    throw broken(`${show(name)} is not where its directory says`, header);
  const from = header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
  if (from + packed > directory) throw broken(`the data of ${show(name)} go into its directory`, header);
  return from;
}

async function unpack(packed: Uint8Array, record: Record): Promise<Uint8Array> {
  const { name, method, size, checksum, header } = record;
  const bytes = method === stored ? packed : await inflate(packed, record);
  if (bytes.length !== size || crc32(bytes) !== checksum)
    throw broken(`the data of ${show(name)} are not those that its directory describes`, header);
  return bytes;
}

async function inflate(packed: Uint8Array, { name, size, header }: Record): Promise<Uint8Array> {
  let stream: DecompressionStream;
  try {
    stream = new DecompressionStream('deflate-raw' as CompressionFormat);
  } catch {
    throw new UnsupportedError(
      'this runtime cannot unpack deflated zip archives. Use Node 20.12 or later, or save without compression: numpy.savez.',
      'deflate',
    );
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  try {
    const reader = new Blob([packed as Uint8Array<ArrayBuffer>]).stream().pipeThrough(stream).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return bytes.subarray(0, at);
      if (at + value.length > size) {
        await reader.cancel();
        throw broken(`${show(name)} has more bytes than its directory says`, header);
      }
      bytes.set(value, at);
      at += value.length;
    }
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw broken(`the data of ${show(name)} are no deflate stream`, header, cause);
  }
}

let table: Uint32Array | undefined;

/** The remainder that zip, gzip and PNG use: polynomial 0xedb88320, bits reversed. */
function crc32(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
    return rest;
  });
  let rest = 0xffffffff;
  for (const byte of bytes) rest = table[(rest ^ byte) & 0xff]! ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function broken(problem: string, offset: number, cause?: unknown): FormatError {
  return new FormatError(`the zip archive is broken: ${problem}.`, { offset, ...(cause ? { cause } : {}) });
}

function zip64(): UnsupportedError {
  return new UnsupportedError('the zip archive is of the kind for more than 4 GiB or 65534 files.', 'zip64');
}
