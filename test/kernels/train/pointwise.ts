import { expect } from 'vitest';
import { type Cell, cellOf } from '#dist/model/cells.js';
import type { QrnnSpec, SruSpec } from '#dist/model/spec.js';
import { placeParameters } from '#dist/pack/parameters.js';
import { partRows, rowPlaces } from '#dist/pack/rows.js';
import { placeTable, tableFloats } from '#dist/pack/table.js';
import type { TrainKernels } from '#dist/wasm/train-registry.js';
import { complement, sigmoidSlope, subtract, tanhSlope } from '../../oracle/backward.js';
import { add, type Bounded, blend, exact, multiply, sigmoid, tanh } from '../../oracle/bounded.js';
import { type Draw, within } from '../check.js';
import { ownFloats } from '../family/general.js';
import type { Ground } from '../ground.js';
import type { TrainCheck } from './rows.js';

/** A layer whose units recur alone, its input and what arrives at its outputs, all in the natural order. */
interface Problem {
  layer: SruSpec | QrnnSpec;
  cell: Cell;
  hidden: number;
  units: number;
  steps: number;
  batch: number;
  lengths: Int32Array | undefined;
  /** [T, B, G·H] */
  z: Float32Array;
  /** [G·H], read at f and r */
  v: Float32Array;
  /** [T, B, H] */
  x: Float32Array;
  dy: Float32Array;
  /** [B, H] */
  c: Float32Array;
}

function drawProblem(draw: Draw): Problem {
  const units = draw.integer(1, 13);
  const hidden = units * draw.integer(1, 3) - draw.integer(0, units - 1);
  const [steps, batch] = [draw.integer(1, 5), draw.integer(1, 5)];
  const sizes = { name: 'a', inputSize: hidden, hiddenSize: hidden };
  const layer = draw.pick<SruSpec | QrnnSpec>([
    { kind: 'sru', ...sizes, scale: 1.5 },
    { kind: 'sru', ...sizes, inputSize: hidden + 1 },
    { kind: 'qrnn', ...sizes },
  ]);
  const cell = cellOf(layer);
  const moments = steps * batch * hidden;
  return {
    ...{ layer, cell, hidden, units, steps, batch },
    lengths: draw.pick([true, false])
      ? Int32Array.from({ length: batch }, () => draw.integer(0, steps))
      : undefined,
    z: draw.values(moments * cell.gates, draw.pick([1, 4])),
    v: draw.values(cell.gates * hidden),
    x: draw.values(moments),
    dy: draw.values(moments),
    c: draw.values(batch * hidden, 2),
  };
}

interface Step {
  y: Bounded;
  c: Bounded;
  back(d: Bounded, dc: Bounded): { dz: Bounded[]; dx: Bounded; dc: Bounded };
}

/** One step forward, with the derivative of each operation behind it. */
function stepOf(problem: Problem, z: Bounded[], x: Bounded, before: Bounded): Step {
  const { layer, hidden, v } = problem;
  if (layer.kind === 'qrnn') {
    const [w, f, o] = [tanh(z[0]!), sigmoid(z[1]!), sigmoid(z[2]!)];
    const c = blend(f, w, before);
    return {
      y: multiply(o, c),
      c,
      back(d, dc) {
        const e = add(dc, multiply(d, o));
        const dz = [
          multiply(multiply(e, complement(f)), tanhSlope(w)),
          multiply(multiply(e, subtract(before, w)), sigmoidSlope(f)),
          multiply(multiply(d, c), sigmoidSlope(o)),
        ];
        return { dz, dx: exact(new Float64Array(hidden)), dc: multiply(e, f) };
      },
    };
  }
  const own = (gate: number) => exact(v.subarray(gate * hidden, (gate + 1) * hidden));
  const [f, r] = [1, 2].map((gate) => sigmoid(add(z[gate]!, multiply(own(gate), before)))) as [
    Bounded,
    Bounded,
  ];
  const scale = exact(new Float64Array(hidden).fill(layer.scale ?? 1));
  const past = z[3] ?? multiply(scale, x);
  const c = blend(f, z[0]!, before);
  return {
    y: blend(r, past, c),
    c,
    back(d, dc) {
      const e = add(dc, multiply(d, r));
      const df = multiply(multiply(e, subtract(before, z[0]!)), sigmoidSlope(f));
      const dr = multiply(multiply(d, subtract(c, past)), sigmoidSlope(r));
      const dpast = multiply(d, complement(r));
      const dz = [multiply(e, complement(f)), df, dr, ...(z[3] === undefined ? [] : [dpast])];
      const through = add(multiply(df, own(1)), multiply(dr, own(2)));
      return { dz, dx: multiply(scale, dpast), dc: add(multiply(e, f), through) };
    },
  };
}

/** Places a problem, runs it in ranges of parts and streams, and compares all that it gives with the oracle. */
function check(ground: Ground<TrainKernels>, draw: Draw, isBack: boolean): void {
  const problem = drawProblem(draw);
  const { layer, cell, hidden, units, steps, batch, lengths } = problem;
  const { f32, kernels } = ground;
  const parts = Math.ceil(hidden / units);
  const rows = partRows(cell, units);
  const places = rowPlaces(cell, hidden, units, rows);
  const ld = hidden + 3;
  const moments = steps * batch;
  const lengthOf = (b: number) => lengths?.[b] ?? steps;
  const place = (values: Float32Array) => {
    const at = ground.room((values.length / hidden) * ld);
    for (const [i, value] of values.entries())
      f32[at / 4 + Math.floor(i / hidden) * ld + (i % hidden)] = value;
    return at;
  };
  const zPlace = (m: number, g: number, u: number) => {
    const part = Math.floor(u / units);
    const own = partRows(cell, Math.min(units, hidden - part * units));
    return part * moments * rows + m * own + places[g * hidden + u]! - part * rows;
  };
  const zAt = ground.room(parts * moments * rows);
  for (let m = 0; m < moments; m++)
    for (let g = 0; g < cell.gates; g++)
      for (let u = 0; u < hidden; u++)
        f32[zAt / 4 + zPlace(m, g, u)] = problem.z[(m * cell.gates + g) * hidden + u]!;
  const vAt = ground.room(parts * rows);
  for (const [row, to] of places.entries()) f32[vAt / 4 + to] = problem.v[row]!;
  const [xAt, dyAt] = [place(problem.x), place(problem.dy)];
  const cAt = ground.room((steps + 1) * batch * ld);
  for (const [i, value] of problem.c.entries())
    f32[cAt / 4 + Math.floor(i / hidden) * ld + (i % hidden)] = value;
  const [yAt, dxAt] = [ground.room(moments * ld), ground.room(moments * ld)];
  const dcAt = ground.room(batch * Math.ceil(units / 8) * 8);
  const table = ground.room(ownFloats);
  placeTable(f32, table / 4);
  placeParameters(f32, table / 4 + tableFloats, layer, {
    apart: 0,
    block: hidden,
    outputs: hidden,
    projection: 0,
  });
  const ends = lengths === undefined ? 0 : ground.placeIntegers(lengths);
  const bytes = ld * 4;
  const sizes = [table, ends, steps, batch, hidden, units] as const;
  const cuts = [draw.integer(0, parts), draw.integer(0, batch)] as const;
  const ranges = [
    [0, cuts[0], 0, batch],
    [cuts[0], parts, 0, cuts[1]],
    [cuts[0], parts, cuts[1], batch],
  ] as const;
  for (const range of ranges)
    kernels.pointwise_tape_f32(cell.code, yAt, bytes, cAt, bytes, zAt, vAt, xAt, bytes, ...sizes, ...range);
  for (const range of isBack ? ranges : []) {
    const tape = [dyAt, bytes, cAt, bytes, zAt, vAt, xAt, bytes, dxAt, bytes, dcAt];
    kernels.pointwise_back_f32(cell.code, ...tape, ...sizes, ...range);
  }
  const rowOf = (at: number, m: number) => f32.slice(at / 4 + m * ld, at / 4 + m * ld + hidden);
  const none = new Float64Array(hidden);
  const nothing = exact(none);
  for (let b = 0; b < batch; b++) {
    const ran: Step[] = [];
    let before = exact(problem.c.subarray(b * hidden, (b + 1) * hidden));
    for (let t = 0; t < steps; t++) {
      const m = t * batch + b;
      if (t < lengthOf(b)) {
        const z = Array.from({ length: cell.gates }, (_, g) => {
          const first = (m * cell.gates + g) * hidden;
          return exact(problem.z.subarray(first, first + hidden));
        });
        const step = stepOf(problem, z, exact(problem.x.subarray(m * hidden, (m + 1) * hidden)), before);
        ran.push(step);
        before = step.c;
        within(rowOf(yAt, m), step.y.value, step.y.error);
      } else within(rowOf(yAt, m), none, none);
      within(rowOf(cAt, m + batch), before.value, before.error);
    }
    let dc = exact(none);
    for (let t = steps - 1; t >= 0 && isBack; t--) {
      const m = t * batch + b;
      const back = ran[t]?.back(exact(problem.dy.subarray(m * hidden, (m + 1) * hidden)), dc);
      for (let g = 0; g < cell.gates; g++) {
        const found = Float32Array.from({ length: hidden }, (_, u) => f32[zAt / 4 + zPlace(m, g, u)]!);
        const { value, error } = back?.dz[g] ?? nothing;
        within(found, value, error);
      }
      if (layer.kind === 'sru' && cell.gates === 3)
        within(rowOf(dxAt, m), back?.dx.value ?? none, back?.dx.error ?? none);
      if (back !== undefined) dc = back.dc;
    }
  }
  if (!isBack) return;
  for (let m = 0; m < moments; m++)
    for (let g = 0; g < cell.gates; g++) for (let u = 0; u < hidden; u++) f32[zAt / 4 + zPlace(m, g, u)] = 0;
  // A shorter last part leaves the end of its room alone.
  const end = (parts - 1) * rows + partRows(cell, hidden - (parts - 1) * units);
  expect(ground.read(zAt, end * moments).every((value) => value === 0)).toBe(true);
}

export const pointwiseChecks = {
  pointwise_tape_f32: ((ground, draw) => check(ground, draw, false)) as TrainCheck,
  pointwise_back_f32: ((ground, draw) => check(ground, draw, true)) as TrainCheck,
};
