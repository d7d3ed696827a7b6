import { placeTable, tableFloats } from '#dist/pack/table.js';
import { loadBinary } from '#dist/wasm/binaries.js';
import type { FamilyKernels } from '#dist/wasm/family-registry.js';
import type { KernelSet } from '#dist/wasm/features.js';
import type { Kernels } from '#dist/wasm/registry.js';
import { loadTrainBinary } from '#dist/wasm/train-binaries.js';
import type { TrainKernels } from '#dist/wasm/train-registry.js';

/** What untouched memory holds: a value that no kernel computes. */
const untouched = -1.2345e30;
const guardFloats = 16;

/** A memory of its own with kernels over it, in which every region is fenced by values that must survive. */
export class Ground<K extends Kernels = Kernels> {
  readonly f32: Float32Array;
  readonly i32: Int32Array;
  /** address of the gate functions' constants */
  table = 0;
  #next = 64;
  readonly #fences: number[] = [];

  readonly kernels: K;
  readonly #module: WebAssembly.Module;

  private constructor(module: WebAssembly.Module, memory: WebAssembly.Memory) {
    this.#module = module;
    this.kernels = this.over(memory);
    this.f32 = new Float32Array(memory.buffer);
    this.i32 = new Int32Array(memory.buffer);
  }

  static async open(set: KernelSet, pages = 64): Promise<Ground> {
    const memory = new WebAssembly.Memory({ initial: pages });
    return new Ground(await loadBinary(set), memory);
  }

  /** The same with the binary of the family. */
  static async openFamily(set: KernelSet, pages = 64): Promise<Ground<FamilyKernels>> {
    const memory = new WebAssembly.Memory({ initial: pages });
    return new Ground<FamilyKernels>(await loadBinary(`family-${set}`), memory);
  }

  /** The same with the binary that also trains. */
  static async openTraining(set: KernelSet, pages = 64): Promise<Ground<TrainKernels>> {
    const memory = new WebAssembly.Memory({ initial: pages });
    return new Ground<TrainKernels>(await loadTrainBinary(set), memory);
  }

  /** The same kernels over another memory. */
  over(memory: WebAssembly.Memory): K {
    return new WebAssembly.Instance(this.#module, { env: { memory } }).exports as unknown as K;
  }

  /** Takes everything back. */
  clear(): void {
    this.f32.fill(untouched);
    this.#next = 64;
    this.#fences.length = 0;
    this.table = this.room(tableFloats);
    placeTable(this.f32, this.table / 4);
  }

  /** Room for so many values, untouched so far; returns its byte address. */
  room(count: number): number {
    const address = this.#next;
    this.#fences.push(address + count * 4);
    this.#next = address + Math.ceil((count + guardFloats) / 4) * 16;
    if (this.#next > this.f32.byteLength) throw new Error('the ground is too small');
    return address;
  }

  /** Places values and returns their byte address. */
  place(values: ArrayLike<number>): number {
    const address = this.room(values.length);
    this.f32.set(values, address / 4);
    return address;
  }

  placeIntegers(values: ArrayLike<number>): number {
    const address = this.room(values.length);
    this.i32.set(values, address / 4);
    return address;
  }

  read(address: number, count: number): Float32Array {
    return this.f32.slice(address / 4, address / 4 + count);
  }

  readIntegers(address: number, count: number): Int32Array {
    return this.i32.slice(address / 4, address / 4 + count);
  }

  /** The byte address of the first fence that something was written over, or null. */
  brokenFence(): number | null {
    const fence = Math.fround(untouched);
    for (const end of this.#fences) {
      for (let i = 0; i < guardFloats - 4; i++) if (this.f32[end / 4 + i] !== fence) return end + i * 4;
    }
    return null;
  }
}
