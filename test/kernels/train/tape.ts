import type { Cell } from '#dist/model/cells.js';
import { partRows, phasesOf, rowPlaces } from '#dist/pack/rows.js';
import type { TrainKernels } from '#dist/wasm/train-registry.js';
import type { Ground } from '../ground.js';
import { cellOfKind, type Problem } from './problem.js';

/** Columns between rows, so that strides differ. */
const gap = 3;

/** A problem laid out as the kernels read it, over a ground of their own. */
export class Tape {
  readonly cell: Cell;
  readonly parts: number;
  readonly rows: number;
  readonly ld: number;
  readonly #places: Int32Array;
  readonly #at: Record<
    'y' | 'c' | 'dy' | 'z' | 's' | 'whh' | 'whhT' | 'bhh' | 'lengths' | 'dh' | 'dc',
    number
  >;
  readonly #sizes: Record<'y' | 'z' | 's', number>;

  constructor(
    readonly ground: Ground<TrainKernels>,
    readonly problem: Problem,
  ) {
    const { kind, hidden, units, diagonal, steps, batch, lengths } = problem;
    this.cell = cellOfKind(kind);
    this.parts = Math.ceil(hidden / units);
    this.rows = partRows(this.cell, units);
    this.ld = hidden + gap;
    this.#places = rowPlaces(this.cell, hidden, units, this.rows);
    const moments = steps * batch;
    const backUnits = Math.ceil(units / 8) * 8;
    const ldq = Math.ceil(units / 4) * 4;
    this.#sizes = {
      y: (steps + 1) * batch * this.ld,
      z: this.parts * moments * this.rows,
      s: this.parts * moments * (kind === 'gruBefore' ? ldq : this.rows),
    };
    const { whh, whhT } = this.#packWeights();
    this.#at = {
      y: ground.room(this.#sizes.y),
      c: ground.room(this.#sizes.y),
      dy: ground.room(moments * this.ld),
      z: ground.room(this.#sizes.z),
      s: ground.room(this.#sizes.s),
      whh: ground.place(whh),
      whhT: ground.place(whhT),
      bhh: ground.place(this.#packRows(problem.bhh)),
      lengths: lengths === undefined ? 0 : ground.placeIntegers(lengths),
      dh: ground.room(batch * backUnits),
      dc: ground.room(batch * backUnits),
    };
    if (diagonal && whh.length !== this.parts * this.rows) throw new Error('one weight a row');
    this.reset();
  }

  /**
   * Places the input again, among NaN: none of that may come through. Of y, c and dy only the part `only` is placed, when
   * there is one.
   */
  reset(only?: number): void {
    const { hidden, units, steps, batch, z, h, c, dy } = this.problem;
    const { f32 } = this.ground;
    const { y: yAt, c: cAt, dy: dyAt, z: zAt, s: sAt } = this.#at;
    for (const [at, size] of [
      [yAt, this.#sizes.y],
      [cAt, this.#sizes.y],
      [dyAt, steps * batch * this.ld],
      [zAt, this.#sizes.z],
      [sAt, this.#sizes.s],
    ] as const) {
      f32.fill(Number.NaN, at / 4, at / 4 + size);
    }
    const isIn = (u: number) => only === undefined || Math.floor(u / units) === only;
    for (let u = 0; u < hidden; u++) {
      for (let b = 0; b < batch && isIn(u); b++) {
        f32[yAt / 4 + b * this.ld + u] = h[b * hidden + u]!;
        f32[cAt / 4 + b * this.ld + u] = c[b * hidden + u]!;
      }
      for (let m = 0; m < steps * batch; m++) {
        if (isIn(u)) f32[dyAt / 4 + m * this.ld + u] = dy[m * hidden + u]!;
        for (let g = 0; g < this.cell.gates; g++) {
          f32[zAt / 4 + this.#place(m, g, u)] = z[(m * this.cell.gates + g) * hidden + u]!;
        }
      }
    }
  }

  forward(n0 = 0, n1 = this.parts, b0 = 0, b1 = this.problem.batch): void {
    const { y, c, z, s, whh, bhh, lengths } = this.#at;
    const weights = [whh, bhh, this.ground.table, lengths];
    const ld = this.ld * 4;
    this.ground.kernels.recurrent_tape_f32(
      this.cell.code,
      y,
      ld,
      c,
      ld,
      z,
      s,
      ...weights,
      ...this.#counts,
      n0,
      n1,
      b0,
      b1,
    );
  }

  backward(n0 = 0, n1 = this.parts, b0 = 0, b1 = this.problem.batch): void {
    const { y, c, dy, z, s, whhT, bhh, lengths, dh, dc } = this.#at;
    const weights = [dh, dc, whhT, bhh, this.ground.table, lengths];
    const ld = this.ld * 4;
    const tape = [dy, ld, y, ld, c, ld, z, s];
    this.ground.kernels.recurrent_back_f32(
      this.cell.code,
      ...tape,
      ...weights,
      ...this.#counts,
      n0,
      n1,
      b0,
      b1,
    );
  }

  /** All that the kernels write and the next stage reads, as bytes. Scratch is not among it. */
  bytes(): Uint8Array {
    const { y, c, z, s } = this.#at;
    const some = [this.ground.read(y, this.#sizes.y), this.ground.read(z, this.#sizes.z)];
    if (this.problem.kind === 'lstm') some.push(this.ground.read(c, this.#sizes.y));
    if (this.#hasSide) some.push(this.ground.read(s, this.#sizes.s));
    return Buffer.concat(some.map((values) => new Uint8Array(values.buffer)));
  }

  /** The bytes of z and s of one part, and whether another part's y or c has changed from the NaN of `reset(part)`. */
  partBytes(part: number): { bytes: Uint8Array; isAlone: boolean } {
    const { hidden, units, kind } = this.problem;
    const of = (at: number, size: number) =>
      this.ground.read(at + ((part * size) / this.parts) * 4, size / this.parts);
    const some = [of(this.#at.z, this.#sizes.z)];
    if (this.#hasSide) some.push(of(this.#at.s, this.#sizes.s));
    let isAlone = true;
    for (const at of kind === 'lstm' ? [this.#at.y, this.#at.c] : [this.#at.y]) {
      for (const [i, v] of this.ground.read(at, this.#sizes.y).entries()) {
        const u = i % this.ld;
        if ((u >= hidden || Math.floor(u / units) !== part) && !Number.isNaN(v)) isAlone = false;
      }
    }
    return { bytes: Buffer.concat(some.map((values) => new Uint8Array(values.buffer))), isAlone };
  }

  /** y or c, step t, natural order; what lies between and past the units must be the NaN that was there. */
  readStates(name: 'y' | 'c'): Float32Array {
    const { hidden, steps, batch } = this.problem;
    const all = this.ground.read(this.#at[name], this.#sizes.y);
    const values = new Float32Array(steps * batch * hidden);
    for (let m = 0; m < (steps + 1) * batch; m++) {
      const row = all.subarray(m * this.ld, (m + 1) * this.ld);
      if (!row.subarray(hidden).every(Number.isNaN)) throw new Error(`${name} was written past its units`);
      if (m >= batch) values.set(row.subarray(0, hidden), (m - batch) * hidden);
    }
    return values;
  }

  /** z or s in the natural order [T, B, G, H], and the largest size in its padding. */
  readRows(name: 'z' | 's'): { values: Float32Array; padding: number } {
    const { hidden, steps, batch } = this.problem;
    const { gates } = this.cell;
    const all = this.ground.read(this.#at[name], this.#sizes.z);
    const values = new Float32Array(steps * batch * gates * hidden);
    for (let m = 0; m < steps * batch; m++) {
      for (let g = 0; g < gates; g++) {
        for (let u = 0; u < hidden; u++) {
          const place = this.#place(m, g, u);
          values[(m * gates + g) * hidden + u] = all[place]!;
          all[place] = 0;
        }
      }
    }
    // A shorter last part leaves the end of its room alone.
    const { units } = this.problem;
    const last = partRows(this.cell, hidden - (this.parts - 1) * units);
    const end = ((this.parts - 1) * this.rows + last) * steps * batch;
    return { values, padding: all.subarray(0, end).reduce((most, v) => Math.max(most, Math.abs(v)), 0) };
  }

  /** r ∘ h of a GRU that resets before, [T, B, H], and the largest size in its padding. */
  readReset(): { values: Float32Array; padding: number } {
    const { hidden, units, steps, batch } = this.problem;
    const all = this.ground.read(this.#at.s, this.#sizes.s);
    const values = new Float32Array(steps * batch * hidden);
    let padding = 0;
    for (let n = 0; n < this.parts; n++) {
      const count = Math.min(units, hidden - n * units);
      const base = n * steps * batch * Math.ceil(units / 4) * 4;
      const ld = Math.ceil(count / 4) * 4;
      for (let m = 0; m < steps * batch; m++) {
        const row = all.subarray(base + m * ld, base + (m + 1) * ld);
        values.set(row.subarray(0, count), m * hidden + n * units);
        for (const v of row.subarray(count)) padding = Math.max(padding, Math.abs(v));
      }
    }
    return { values, padding };
  }

  get #hasSide(): boolean {
    return this.problem.kind === 'gruAfter' || this.problem.kind === 'gruBefore';
  }

  get #counts(): number[] {
    const { steps, batch, hidden, units, diagonal } = this.problem;
    return [steps, batch, hidden, units, diagonal ? 1 : 0];
  }

  /** Where gate g of unit u of row m stands in z. */
  #place(m: number, g: number, u: number): number {
    const { hidden, units, steps, batch } = this.problem;
    const part = Math.floor(u / units);
    const rows = partRows(this.cell, Math.min(units, hidden - part * units));
    const within = this.#places[g * hidden + u]! - part * this.rows;
    return part * steps * batch * this.rows + m * rows + within;
  }

  #packRows(values: Float32Array): Float32Array {
    const packed = new Float32Array(this.parts * this.rows);
    for (const [row, place] of this.#places.entries()) packed[place] = values[row]!;
    return packed;
  }

  /** The forward and the backward form of the recurrent weights, written by their definition. */
  #packWeights(): { whh: Float32Array; whhT: Float32Array } {
    const { hidden, units, diagonal, w } = this.problem;
    if (diagonal) {
      const own = Float32Array.from(this.#places, (_, row) => w[row * hidden + (row % hidden)]!);
      const packed = this.#packRows(own);
      return { whh: packed, whhT: packed };
    }
    const { parts, rows } = this;
    const panels = Math.ceil(units / 8);
    const phases = phasesOf(this.cell, units);
    const whh = new Float32Array(parts * rows * units);
    const whhT = new Float32Array(parts * rows * panels * 8);
    for (const [row, place] of this.#places.entries()) {
      const part = Math.floor(place / rows);
      const at = place % rows;
      const phase = phases.findLast(({ row: first }) => at >= first)!;
      const next = phases.find(({ row: first }) => first > phase.row)?.row ?? rows;
      for (let k = 0; k < units; k++) {
        const value = w[row * hidden + part * units + k]!;
        whh[(part * rows + at - (at % 8)) * units + k * 8 + (at % 8)] = value;
        const base = (part * rows + phase.row) * panels * 8;
        const inPanel = (Math.floor(k / 8) * (next - phase.row) + at - phase.row) * 8 + (k % 8);
        whhT[base + inPanel] = value;
      }
    }
    return { whh, whhT };
  }
}
