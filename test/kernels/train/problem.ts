import { type Cell, cellOf } from '#dist/model/cells.js';
import type { RecurrentLayerSpec } from '#dist/model/spec.js';
import { type CellKind, cellKinds } from '../../oracle/arbitraries.js';
import { type Passed, passThrough } from '../../oracle/backward.js';
import type { Draw } from '../check.js';

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

export function cellOfKind(kind: CellKind): Cell {
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
