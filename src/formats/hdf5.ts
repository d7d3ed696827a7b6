import { FormatError, UnsupportedError } from '../base/errors.js';
import { show } from '../base/guards.js';
import type { Tensor, Tensors } from '../model/tensors.js';
import { decodeF16 } from './half.js';

/**
 * The datasets of floats in an HDF5 file as h5py writes it, by their paths. Of the format's many forms those that the
 * library uses unless it is told otherwise:
 *
 *   superblock 0 → root group → object header 1 → messages
 *   group: symbol table → B-tree 1 → symbol table nodes, names in a local heap
 *   dataset: dataspace, datatype, layout (contiguous or compact)
 *
 * https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html (sections II.A, III.A.1, III.B–D and IV.A)
 */

const magic = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

export function isHdf5(bytes: Uint8Array): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

/** The types of messages of an object header. */
const message = { dataspace: 1, datatype: 3, layout: 8, continuation: 16, symbols: 17 } as const;
/** What a file that is no attack stays below. */
const most = { depth: 32, objects: 100_000, messages: 10_000, name: 1000, axes: 32 };
/** The address of what is not there. */
const nowhere = 2n ** 64n - 1n;

interface Message {
  type: number;
  at: number;
  size: number;
}

/**
 * Reads every dataset of floats: f2 and f4 exactly, f8 rounded. Others (whole numbers, strings) are left out.
 * @throws FormatError for a broken file, with the byte; UnsupportedError for forms that h5py writes only when it is told
 *   to (chunks, compression, libver="latest")
 */
export function readHdf5(bytes: Uint8Array): Tensors {
  return new Reader(bytes).read();
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #tensors: Tensors = Object.create(null);
  readonly #seen = new Set<number>();
  /** bytes of data that datasets have: no more than the file has, unless they share them */
  #data = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  read(): Tensors {
    if (!isHdf5(this.#bytes)) throw this.#fail('it does not begin with 89 48 44 46', 0);
    const version = this.#byte(8);
    if (version !== 0) throw unsupported(`a superblock of version ${version}`, 'hdf5 superblock');
    if (this.#byte(13) !== 8 || this.#byte(14) !== 8)
      throw unsupported('addresses of other than 8 bytes', 'hdf5 sizes');
    if (this.#address(24) !== 0) throw unsupported('a user block before the file', 'hdf5 user block');
    this.#readObject(this.#address(64), '', 0);
    return this.#tensors;
  }

  #readObject(at: number, path: string, depth: number): void {
    // A link may lead back to what leads to it, or to what has been read under another name.
    if (this.#seen.has(at)) return;
    this.#seen.add(at);
    if (depth > most.depth || this.#seen.size > most.objects) throw this.#fail('its groups are too many', at);
    const messages = this.#readHeader(at);
    const find = (type: number) => messages.find((each) => each.type === type);
    const symbols = find(message.symbols);
    if (symbols !== undefined) {
      this.#readGroup(this.#address(symbols.at), this.#address(symbols.at + 8), path, depth);
      return;
    }
    const [space, type, layout] = [find(message.dataspace), find(message.datatype), find(message.layout)];
    if (space === undefined || type === undefined || layout === undefined) {
      if (depth > 0) return;
      throw unsupported('a root group without a symbol table', 'hdf5 group');
    }
    const float = this.#readType(type);
    if (float === undefined) return;
    this.#tensors[path] = this.#readData(this.#readShape(space), float, layout, path);
  }

  /** The messages of an object header of version 1, with those of its continuations. */
  #readHeader(at: number): Message[] {
    const version = this.#byte(at);
    if (version !== 1) {
      if (version === 0x4f)
        throw unsupported('object headers of version 2 (libver="latest")', 'hdf5 object header');
      throw this.#fail(`there is no object header of version 1`, at);
    }
    const messages: Message[] = [];
    const parts: { at: number; size: number }[] = [{ at: at + 16, size: this.#u32(at + 8) }];
    for (const part of parts) {
      const end = part.at + part.size;
      this.#need(part.at, part.size);
      for (let place = part.at; place + 8 <= end; ) {
        const each = { type: this.#u16(place), size: this.#u16(place + 2), at: place + 8 };
        if (each.at + each.size > end) throw this.#fail('a message goes beyond its header', place);
        if (messages.push(each) > most.messages) throw this.#fail('an object has too many messages', at);
        if (each.type === message.continuation)
          parts.push({ at: this.#address(each.at), size: this.#address(each.at + 8) });
        place = each.at + each.size;
      }
    }
    return messages;
  }

  #readGroup(tree: number, heap: number, path: string, depth: number): void {
    this.#expect(heap, 'HEAP');
    const names = this.#address(heap + 24);
    const namesEnd = names + this.#address(heap + 8);
    this.#need(names, namesEnd - names);
    for (const node of this.#readTree(tree)) {
      this.#expect(node, 'SNOD');
      const count = this.#u16(node + 6);
      this.#need(node + 8, 40 * count);
      for (let index = 0; index < count; index++) {
        const entry = node + 8 + 40 * index;
        const from = names + this.#address(entry);
        const end = this.#bytes.indexOf(0, from);
        if (from > namesEnd || end < from || end > namesEnd || end - from > most.name)
          throw this.#fail('a name does not end', entry);
        const name = new TextDecoder().decode(this.#bytes.subarray(from, end));
        this.#readObject(this.#address(entry + 8), path === '' ? name : `${path}/${name}`, depth + 1);
      }
    }
  }

  /** The leaves of a B-tree of version 1 from left to right: addresses of symbol table nodes. */
  #readTree(root: number): number[] {
    const leaves: number[] = [];
    const seen = new Set<number>();
    const visit = (at: number, level: number | undefined) => {
      if (seen.has(at) || seen.size > most.objects)
        throw this.#fail('a tree of names goes round in a circle', at);
      seen.add(at);
      this.#expect(at, 'TREE');
      const own = this.#byte(at + 5);
      if (this.#byte(at + 4) !== 0 || (level !== undefined && own !== level))
        throw this.#fail('a tree of names has a node of another kind', at);
      const count = this.#u16(at + 6);
      for (let child = 0; child < count; child++) {
        // After the header keys and children take turns, 8 bytes each, a key first.
        const address = this.#address(at + 24 + 16 * child + 8);
        if (own === 0) leaves.push(address);
        else visit(address, own - 1);
      }
    };
    visit(root, undefined);
    return leaves;
  }

  #readShape({ at }: Message): number[] {
    const version = this.#byte(at);
    const axes = this.#byte(at + 1);
    if ((version !== 1 && version !== 2) || axes > most.axes) throw this.#fail('a dataspace is broken', at);
    const from = at + (version === 1 ? 8 : 4);
    return Array.from({ length: axes }, (_, axis) => this.#address(from + 8 * axis));
  }

  /** Bytes and byte order of an IEEE float; undefined for another type. */
  #readType({ at }: Message): { size: number; little: boolean } | undefined {
    const size = this.#u32(at + 4);
    if ((this.#byte(at) & 15) !== 1 || ![2, 4, 8].includes(size)) return undefined;
    const order = this.#byte(at + 1) & 0x41;
    const exponents: Readonly<Record<number, number>> = { 2: 5, 4: 8, 8: 11 };
    // Others of so many bytes, such as bfloat16, divide them otherwise.
    if (order > 1 || this.#byte(at + 13) !== exponents[size])
      throw unsupported('a float that is not IEEE 754', 'hdf5 type');
    return { size, little: order === 0 };
  }

  #readData(
    shape: number[],
    { size, little }: { size: number; little: boolean },
    { at }: Message,
    path: string,
  ): Tensor {
    const [version, kind] = [this.#byte(at), this.#byte(at + 1)];
    if (version !== 3 && version !== 4)
      throw unsupported(`${show(path)} with a layout of version ${version}`, 'hdf5 layout');
    if (kind > 1) throw unsupported(`${show(path)} in chunks, as for compression`, 'hdf5 chunks');
    const isCompact = kind === 0;
    const count = shape.reduce((product, each) => product * each, 1);
    const needed = count * size;
    const found = isCompact ? this.#u16(at + 2) : this.#address(at + 10);
    this.#data += needed;
    if (needed !== found || this.#data > this.#bytes.length)
      throw this.#fail(`dataset ${show(path)} ${show(shape)} needs ${needed} bytes, it has ${found}`, at);
    const data = new Float32Array(count);
    if (count === 0) return { shape, data };
    const from = isCompact ? at + 4 : this.#address(at + 2);
    this.#need(from, needed);
    const view = this.#view;
    if (size === 2) {
      data.set(decodeF16(Uint16Array.from(data, (_, i) => view.getUint16(from + 2 * i, little))));
      return { shape, data };
    }
    for (let i = 0; i < count; i++)
      data[i] = size === 4 ? view.getFloat32(from + 4 * i, little) : view.getFloat64(from + 8 * i, little);
    return { shape, data };
  }

  #need(at: number, size: number): void {
    if (at + size > this.#bytes.length || size < 0)
      throw this.#fail('it is cut short, or an address leads out of it', at);
  }

  #expect(at: number, letters: string): void {
    this.#need(at, 32);
    if (String.fromCharCode(...this.#bytes.subarray(at, at + 4)) !== letters)
      throw this.#fail(`there is no ${letters}`, at);
  }

  #byte(at: number): number {
    this.#need(at, 1);
    return this.#bytes[at]!;
  }

  #u16(at: number): number {
    this.#need(at, 2);
    return this.#view.getUint16(at, true);
  }

  #u32(at: number): number {
    this.#need(at, 4);
    return this.#view.getUint32(at, true);
  }

  /** An address or a length. */
  #address(at: number): number {
    this.#need(at, 8);
    const value = this.#view.getBigUint64(at, true);
    if (value === nowhere) return 0;
    if (value > Number.MAX_SAFE_INTEGER) throw this.#fail('an address or a length is too large', at);
    return Number(value);
  }

  #fail(problem: string, offset: number): FormatError {
    return new FormatError(`the HDF5 file is broken at byte ${offset}: ${problem}.`, { offset });
  }
}

function unsupported(what: string, feature: string): UnsupportedError {
  return new UnsupportedError(
    `the HDF5 file has ${what}, which is not read. Save its arrays with numpy.savez instead.`,
    feature,
  );
}
