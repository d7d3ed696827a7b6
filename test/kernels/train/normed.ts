import { expect } from 'vitest';
import { type Cell, cellOf } from '#dist/model/cells.js';
import type { LnGruSpec, LnLstmSpec } from '#dist/model/spec.js';
import { layerTensors } from '#dist/model/tensors.js';
import { placeParameters } from '#dist/pack/parameters.js';
import { partRows, rowPlaces } from '#dist/pack/rows.js';
import { placeTable, tableFloats } from '#dist/pack/table.js';
import type { TrainKernels } from '#dist/wasm/train-registry.js';
import { boundsOf, pushed } from '../../train/bounds.js';
import { recurrentRows, stepNormed } from '../../train/normed.js';
import type { CellNodes } from '../../train/parts.js';
import { exactly, type Node, type Round, Tape } from '../../train/tape.js';
import { type Draw, within } from '../check.js';
import { ownFloats } from '../family/general.js';
import type { Ground } from '../ground.js';
import type { TrainCheck } from './rows.js';

/** A layer whose units all meet, its input half and what arrives at its outputs, all in the natural order. */
interface Problem {
  layer: LnLstmSpec | LnGruSpec;
  cell: Cell;
  hidden: number;
  /** of a block; all of them where the layer is diagonal */
  units: number;
  diagonal: boolean;
  steps: number;
  batch: number;
  lengths: Int32Array | undefined;
  /** by the ends of their names: weight_hh and every vector */
  tensors: Record<string, Float32Array>;
  /** [T, B, G·H] */
  z: Float32Array;
  /** [T, B, H] */
  dy: Float32Array;
  /** [B, H] */
  h: Float32Array;
  c: Float32Array;
}

function drawProblem(draw: Draw): Problem {
  const [block, blocks] = [draw.integer(1, 9), draw.integer(1, 3)];
  const hidden = block * blocks;
  const [steps, batch] = [draw.integer(1, 4), draw.integer(1, 4)];
  const layer: LnLstmSpec | LnGruSpec = {
    kind: draw.pick(['lnlstm', 'lngru']),
    ...{ name: 'a', inputSize: 1, hiddenSize: hidden, blocks },
    epsilon: draw.pick([1e-5, 1e-2]),
  };
  const cell = cellOf(layer);
  const diagonal = block === 1;
  const tensors: Record<string, Float32Array> = {};
  for (const [name, shape] of Object.entries(layerTensors(layer))) {
    const count = shape.reduce((product, size) => product * size, 1);
    tensors[name.slice(2)] = draw.values(count, 1.5);
  }
  return {
    ...{ layer, cell, hidden, diagonal, units: diagonal ? hidden : block, steps, batch, tensors },
    lengths: draw.pick([true, false])
      ? Int32Array.from({ length: batch }, () => draw.integer(0, steps))
      : undefined,
    z: draw.values(steps * batch * cell.gates * hidden, draw.pick([0.1, 1, 4])),
    dy: draw.values(steps * batch * hidden),
    h: draw.values(batch * hidden),
    c: draw.values(batch * hidden, 2),
  };
}

/** What one stream gives, step after step, and what comes to each vector. */
type Passed = Record<string, Float64Array>;

function passThrough(problem: Problem, b: number, round: Round): Passed {
  const { layer, cell, hidden, steps, batch, lengths, tensors, z, dy } = problem;
  const tape = new Tape(round, steps + cell.gates * hidden);
  const parameters = Object.fromEntries(Object.entries(tensors).map(([name, v]) => [name, tape.leaf(v)]));
  const parameter = (name: string) => parameters[name]!;
  const rowOf = (values: Float32Array, m: number, width: number) =>
    tape.leaf(values.subarray(m * width, (m + 1) * width));
  const before = { h: rowOf(problem.h, b, hidden), c: rowOf(problem.c, b, hidden) };
  let state: CellNodes = before;
  const taped: { input: Node; recurrent: Node; state: CellNodes }[] = [];
  for (let t = 0; t < (lengths?.[b] ?? steps); t++) {
    const input = rowOf(z, t * batch + b, cell.gates * hidden);
    const recurrent = recurrentRows(tape, layer, parameter, state.h);
    state = stepNormed(tape, layer, parameter, input, recurrent, state);
    taped.push({ input, recurrent, state });
  }
  for (const [t, { state: made }] of taped.entries())
    for (let u = 0; u < hidden; u++) made.h.gradient[u]! += dy[(t * batch + b) * hidden + u]!;
  tape.backward();
  const passed: Passed = {};
  for (let t = 0; t < steps; t++) {
    const step = taped[t];
    const none = (width: number) => new Float64Array(width);
    passed[`y${t}`] = step?.state.h.value ?? none(hidden);
    // A stream that has ended keeps its cell.
    passed[`c${t}`] = step?.state.c?.value ?? taped.at(-1)?.state.c?.value ?? before.c.value;
    passed[`z${t}`] = step?.input.gradient ?? none(cell.gates * hidden);
    passed[`s${t}`] = step?.recurrent.gradient ?? none(cell.gates * hidden);
  }
  for (const { tensor } of cell.columns) passed[tensor] = parameters[tensor]!.gradient;
  return passed;
}

/** A problem laid out as the kernels read it. */
class Placed {
  readonly rows: number;
  readonly parts: number;
  readonly #places: Int32Array;
  readonly #ld: number;
  readonly #at: Record<'y' | 'c' | 'dy' | 'z' | 's' | 'sums' | 'dh' | 'dc' | 'row', number>;
  readonly #given: number[];
  readonly #whhT: number;

  constructor(
    readonly ground: Ground<TrainKernels>,
    readonly problem: Problem,
  ) {
    const { layer, cell, hidden, units, diagonal, steps, batch, lengths, tensors } = problem;
    this.parts = hidden / units;
    this.rows = partRows(cell, units);
    this.#places = rowPlaces(cell, hidden, units, this.rows);
    this.#ld = hidden + 3;
    const width = this.parts * this.rows;
    const moments = steps * batch;
    const state = batch * this.parts * Math.ceil(units / 8) * 8;
    this.#at = {
      y: ground.room((moments + batch) * this.#ld),
      c: ground.room((moments + batch) * this.#ld),
      dy: ground.room(moments * this.#ld),
      z: ground.room(moments * width),
      s: ground.room(moments * width),
      sums: ground.room(cell.columns.length * batch * width),
      ...{ dh: ground.room(state), dc: ground.room(state), row: ground.room(2 * width) },
    };
    const vectors = new Float32Array((Math.max(...cell.columns.map(({ to }) => Number(to))) + 1) * width);
    for (const { tensor, gates, to } of cell.columns) {
      for (const [i, value] of tensors[tensor]!.entries())
        vectors[Number(to) * width + this.#placeOf(gates[Math.floor(i / hidden)]!, i % hidden)] = value;
    }
    const table = ground.room(ownFloats);
    placeTable(ground.f32, table / 4);
    const own = { apart: 0, block: units, outputs: hidden, projection: 0 };
    placeParameters(ground.f32, table / 4 + tableFloats, layer, own);
    const [whh, whhT] = this.#packWeights();
    this.#whhT = ground.place(whhT);
    const ends = lengths === undefined ? 0 : ground.placeIntegers(lengths);
    const sizes = [steps, batch, hidden, units, diagonal ? 1 : 0];
    this.#given = [ground.place(whh), ground.place(vectors), table, ends, ...sizes];
    this.reset();
  }

  /** Places the input again, among NaN: none of that may come through. */
  reset(): void {
    const { cell, hidden, batch, z, dy, h, c } = this.problem;
    const { f32 } = this.ground;
    const at = this.#at;
    const width = this.parts * this.rows;
    const moments = z.length / (cell.gates * hidden);
    for (const first of [at.y, at.c])
      f32.fill(Number.NaN, first / 4, first / 4 + (moments + batch) * this.#ld);
    f32.fill(Number.NaN, at.dy / 4, at.dy / 4 + moments * this.#ld);
    for (const first of [at.z, at.s]) f32.fill(Number.NaN, first / 4, first / 4 + moments * width);
    for (const [values, first] of [
      [h, at.y],
      [c, at.c],
      [dy, at.dy],
    ] as const)
      for (const [i, v] of values.entries())
        f32[first / 4 + Math.floor(i / hidden) * this.#ld + (i % hidden)] = v;
    for (const [i, v] of z.entries()) {
      const [m, row] = [Math.floor(i / (cell.gates * hidden)), i % (cell.gates * hidden)];
      f32[at.z / 4 + this.#rowPlace(m, Math.floor(row / hidden), row % hidden)] = v;
    }
  }

  forward(b0: number, b1: number): void {
    const { y, c, z, s } = this.#at;
    const ld = this.#ld * 4;
    this.ground.kernels.normed_tape_f32(this.problem.cell.code, y, ld, c, ld, z, s, ...this.#given, b0, b1);
  }

  backward(b0: number, b1: number): void {
    const { y, c, dy, z, s, dh, dc, row, sums } = this.#at;
    const ld = this.#ld * 4;
    const tape = [dy, ld, y, ld, c, ld, z, s, dh, dc, row, sums, this.#whhT];
    this.ground.kernels.normed_back_f32(
      ...[this.problem.cell.code, ...tape, ...this.#given.slice(1)],
      ...[b0, b1],
    );
  }

  /** y or c after step t of stream b. */
  state(name: 'y' | 'c', t: number, b: number): Float32Array {
    const { batch, hidden } = this.problem;
    const at = this.#at[name] + ((t + 1) * batch + b) * this.#ld * 4;
    return this.ground.read(at, hidden);
  }

  /** Rows of z or s in the natural order, and what stands beside them. */
  row(name: 'z' | 's', m: number): { values: Float32Array; padding: number[] } {
    const { cell, hidden, steps, batch } = this.problem;
    const { parts, rows } = this;
    const values = new Float32Array(cell.gates * hidden);
    const all = this.ground.read(this.#at[name], steps * batch * parts * rows);
    const known = new Set<number>();
    for (let row = 0; row < values.length; row++) {
      const place = this.#rowPlace(m, Math.floor(row / hidden), row % hidden);
      known.add(place);
      values[row] = all[place]!;
    }
    const padding: number[] = [];
    for (let part = 0; part < parts; part++)
      for (let k = 0; k < rows; k++) {
        const place = part * steps * batch * rows + m * rows + k;
        if (!known.has(place)) padding.push(all[place]!);
      }
    return { values, padding };
  }

  /** What came to vector k of stream b, [blocks][rows]: the values of some gates in their order, and the rest. */
  sums(k: number, b: number): { values: Float32Array; padding: number[] } {
    const { cell, hidden, batch } = this.problem;
    const width = this.parts * this.rows;
    const all = this.ground.read(this.#at.sums + (k * batch + b) * width * 4, width);
    const { gates } = cell.columns[k]!;
    const places = gates.flatMap((gate) => Array.from({ length: hidden }, (_, u) => this.#placeOf(gate, u)));
    const known = new Set(places);
    return {
      values: Float32Array.from(places, (place) => all[place]!),
      padding: [...all].filter((_, place) => !known.has(place)),
    };
  }

  /** All that the kernels leave for others. */
  bytes(): Buffer {
    const { cell, steps, batch } = this.problem;
    const width = this.parts * this.rows;
    const { y, c, z, s, sums } = this.#at;
    const moments = steps * batch;
    const regions = [
      this.ground.read(y, (moments + batch) * this.#ld),
      this.ground.read(c, (moments + batch) * this.#ld),
      this.ground.read(z, moments * width),
      this.ground.read(s, moments * width),
      this.ground.read(sums, cell.columns.length * batch * width),
    ];
    return Buffer.concat(regions.map((values) => new Uint8Array(values.buffer)));
  }

  #placeOf(gate: number, unit: number): number {
    return this.#places[gate * this.problem.hidden + unit]!;
  }

  /** Where gate g of unit u of row m stands in z. */
  #rowPlace(m: number, gate: number, unit: number): number {
    const { steps, batch } = this.problem;
    const place = this.#placeOf(gate, unit);
    const part = Math.floor(place / this.rows);
    return part * steps * batch * this.rows + m * this.rows + (place % this.rows);
  }

  /** The forward and the backward form of the recurrent weights, written by their definition. */
  #packWeights(): [Float32Array, Float32Array] {
    const { units, diagonal, tensors } = this.problem;
    const w = tensors.weight_hh!;
    const { parts, rows } = this;
    if (diagonal) {
      const own = new Float32Array(rows);
      for (const [row, place] of this.#places.entries()) own[place] = w[row]!;
      return [own, own];
    }
    const panels = Math.ceil(units / 8);
    const [whh, whhT] = [new Float32Array(parts * rows * units), new Float32Array(parts * rows * panels * 8)];
    for (const [row, place] of this.#places.entries()) {
      const [part, at] = [Math.floor(place / rows), place % rows];
      for (let k = 0; k < units; k++) {
        whh[(part * rows + at - (at % 8)) * units + k * 8 + (at % 8)] = w[row * units + k]!;
        whhT[part * rows * panels * 8 + (Math.floor(k / 8) * rows + at) * 8 + (k % 8)] = w[row * units + k]!;
      }
    }
    return [whh, whhT];
  }
}

function check(ground: Ground<TrainKernels>, draw: Draw, isBack: boolean): void {
  const problem = drawProblem(draw);
  const { cell, steps, batch } = problem;
  const placed = new Placed(ground, problem);
  const run = (ranges: readonly (readonly [number, number])[]) => {
    for (const [b0, b1] of ranges) placed.forward(b0, b1);
    for (const [b0, b1] of isBack ? ranges : []) placed.backward(b0, b1);
  };
  run([[0, batch]]);
  for (let b = 0; b < batch; b++) {
    const exact = passThrough(problem, b, exactly);
    const runs = pushed((round) => passThrough(problem, b, round));
    const compare = (name: string, found: Float32Array) =>
      within(
        found,
        exact[name]!,
        boundsOf(
          exact[name]!,
          runs.map((one) => one[name]!),
        ),
      );
    for (let t = 0; t < steps; t++) {
      compare(`y${t}`, placed.state('y', t, b));
      if (cell.states.includes('c')) compare(`c${t}`, placed.state('c', t, b));
      for (const name of isBack ? (['z', 's'] as const) : []) {
        const { values, padding } = placed.row(name, t * batch + b);
        compare(`${name}${t}`, values);
        expect(padding.every((v) => v === 0)).toBe(true);
      }
    }
    for (const [k, { tensor }] of isBack ? cell.columns.entries() : []) {
      const { values, padding } = placed.sums(k, b);
      compare(tensor, values);
      expect(padding.every((v) => v === 0)).toBe(true);
    }
  }
  if (!isBack) return;
  const whole = placed.bytes();
  placed.reset();
  const cut = draw.integer(0, batch);
  run([
    [cut, batch],
    [0, cut],
  ]);
  expect(Buffer.compare(placed.bytes(), whole)).toBe(0);
}

export const normedChecks = {
  normed_tape_f32: ((ground, draw) => check(ground, draw, false)) as TrainCheck,
  normed_back_f32: ((ground, draw) => check(ground, draw, true)) as TrainCheck,
};
