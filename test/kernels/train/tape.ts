import { type Cell, cellOf } from '#dist/model/cells.js';
import type { RecurrentLayerSpec } from '#dist/model/spec.js';
import { partRows, phasesOf, rowPlaces } from '#dist/pack/rows.js';
import type { TrainKernels } from '#dist/wasm/train-registry.js';
import { type CellKind, cellKinds } from '../../oracle/arbitraries.js';
import { type Passed, passThrough } from '../../oracle/backward.js';
import type { Draw } from '../check.js';
import type { Ground } from '../ground.js';

/** A layer, its input and what arrives at its outputs, all in the natural order. */
export interface Problem {
  kind: CellKind;
  hidden: number;
  /** of each part, but a diagonal layer's last */
  units: number;
  diagonal: boolean;
  steps: number;
  batch: number;
  lengths: Int32Array | undefined;
  /** [T, B, G·H] */
  z: Float32Array;
  /** [G·H] */
  bhh: Float32Array;
  /** [G·H, H], of which only what the layer has counts; the rest is 0 */
  w: Float32Array;
  /** [B, H] */
  h: Float32Array;
  c: Float32Array;
  /** [T, B, H] */
  dy: Float32Array;
}

const layers: Readonly<Record<CellKind, Partial<RecurrentLayerSpec>>> = {
  lstm: { kind: 'lstm' },
  gruAfter: { kind: 'gru', resetAfter: true },
  gruBefore: { kind: 'gru', resetAfter: false },
  elmanTanh: { kind: 'elman', activation: 'tanh' },
  elmanRelu: { kind: 'elman', activation: 'relu' },
};

function cellOfKind(kind: CellKind): Cell {
  return cellOf(layers[kind] as RecurrentLayerSpec);
}

export function drawProblem(draw: Draw, kind = draw.pick(cellKinds)): Problem {
  const units = draw.integer(1, 13);
  const parts = draw.integer(1, 3);
  const diagonal = draw.pick([true, false, false]);
  // A diagonal layer's last part has what is left.
  const hidden = units * parts - (diagonal ? draw.integer(0, units - 1) : 0);
  const [steps, batch] = [draw.integer(1, 5), draw.integer(1, 9)];
  const { gates } = cellOfKind(kind);
  const w = draw.values(gates * hidden * hidden, draw.pick([1, 2]) / Math.sqrt(diagonal ? 1 : units));
  for (let row = 0; row < gates * hidden; row++) {
    for (let k = 0; k < hidden; k++) {
      const u = row % hidden;
      const reads = diagonal ? k === u : Math.floor(k / units) === Math.floor(u / units);
      if (!reads) w[row * hidden + k] = 0;
    }
  }
  return {
    ...{ kind, hidden, units, diagonal, steps, batch, w },
    lengths: draw.pick([true, false])
      ? Int32Array.from({ length: batch }, () => draw.integer(0, steps))
      : undefined,
    z: draw.values(steps * batch * gates * hidden, draw.pick([1, 1, 4])),
    bhh: draw.values(gates * hidden),
    h: draw.values(batch * hidden),
    c: draw.values(batch * hidden, 2),
    dy: draw.values(steps * batch * hidden),
  };
}

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

  /** Places the input again. Parts that are not `only` get NaN: nobody else may read them. */
  reset(only?: number): void {
    const { hidden, units, steps, batch, z, h, c, dy } = this.problem;
    const { f32 } = this.ground;
    const { y: yAt, c: cAt, dy: dyAt, z: zAt, s: sAt } = this.#at;
    for (const [at, size] of [
      [yAt, this.#sizes.y],
      [cAt, this.#sizes.y],
      [dyAt, steps * batch * this.ld],
      [sAt, this.#sizes.s],
    ] as const) {
      f32.fill(Number.NaN, at / 4, at / 4 + size);
    }
    f32.fill(0, zAt / 4, zAt / 4 + this.#sizes.z);
    const isIn = (u: number) => only === undefined || Math.floor(u / units) === only;
    for (let u = 0; u < hidden; u++) {
      if (!isIn(u)) continue;
      for (let b = 0; b < batch; b++) {
        f32[yAt / 4 + b * this.ld + u] = h[b * hidden + u]!;
        f32[cAt / 4 + b * this.ld + u] = c[b * hidden + u]!;
      }
      for (let m = 0; m < steps * batch; m++) {
        f32[dyAt / 4 + m * this.ld + u] = dy[m * hidden + u]!;
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
    const { y, c, dy, z, s, whhT, lengths, dh, dc } = this.#at;
    const weights = [dh, dc, whhT, this.ground.table, lengths];
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

/** What the oracle gives, in the natural order, value beside bound. */
export interface Expected {
  value: Float64Array;
  bound: Float64Array;
}

export function expectTape(problem: Problem): Record<'y' | 'c' | 'q' | 'dz' | 'ds', Expected> {
  const { kind, hidden, units, steps, batch, lengths, w } = problem;
  const { gates } = cellOfKind(kind);
  const make = (count: number): Expected => ({
    value: new Float64Array(count),
    bound: new Float64Array(count),
  });
  const moments = steps * batch * hidden;
  const all = {
    ...{ y: make(moments), c: make(moments), q: make(moments) },
    ...{ dz: make(moments * gates), ds: make(moments * gates) },
  };
  for (let first = 0; first < hidden; first += units) {
    const count = Math.min(units, hidden - first);
    const matrices = Array.from({ length: gates }, (_, g) => ({
      ...{ height: count, width: count },
      weights: Float64Array.from({ length: count * count }, (_, k) => {
        const row = g * hidden + first + Math.floor(k / count);
        return w[row * hidden + first + (k % count)]!;
      }),
    }));
    for (let b = 0; b < batch; b++) {
      const of = (values: Float32Array, row: number) =>
        values.subarray(row * hidden + first, row * hidden + first + count);
      const perStep = <V>(make: (m: number) => V) =>
        Array.from({ length: steps }, (_, t) => make(t * batch + b));
      const perGate = <V>(make: (g: number) => V) => Array.from({ length: gates }, (_, g) => make(g));
      const passed: Passed = passThrough({
        kind,
        units: count,
        length: lengths?.[b] ?? steps,
        z: perStep((m) => perGate((g) => of(problem.z, m * gates + g))),
        s: perStep(() => perGate((g) => of(problem.bhh, g))),
        w: matrices,
        h: of(problem.h, b),
        c: of(problem.c, b),
        dy: perStep((m) => of(problem.dy, m)),
      });
      for (let t = 0; t < steps; t++) {
        const m = t * batch + b;
        for (const name of ['y', 'c', 'q'] as const) {
          all[name].value.set(passed[name][t]!.value, m * hidden + first);
          all[name].bound.set(passed[name][t]!.error, m * hidden + first);
        }
        for (const name of ['dz', 'ds'] as const) {
          for (const [g, { value, error }] of passed[name][t]!.entries()) {
            all[name].value.set(value, (m * gates + g) * hidden + first);
            all[name].bound.set(error, (m * gates + g) * hidden + first);
          }
        }
      }
    }
  }
  return all;
}
