import { expect } from 'vitest';
import type { TrainKernels } from '#dist/wasm/train-registry.js';
import { complement, sigmoidSlope, subtract, tanhSlope } from '../../oracle/backward.js';
import { add, affine, type Bounded, blend, exact, multiply, sigmoid, tanh } from '../../oracle/bounded.js';
import { drawGate, drawUnits, interleave } from '../cells.js';
import { type Check, type Draw, within } from '../check.js';
import type { Ground } from '../ground.js';

type Gate = Float32Array;

/** Values of which vectors are read past their end, where others write at the same time: NaN stands for them. */
function placeAmong(ground: Ground, values: Float32Array): number {
  const whole = new Float32Array(Math.ceil(values.length / 4) * 4).fill(Number.NaN);
  whole.set(values);
  return ground.place(whole);
}

/** Gates [⌈units/4⌉][gates][4]; the lanes past the units are NaN, which states past their end may have made of them. */
function placeGates(ground: Ground, gates: readonly Gate[], units: number): number {
  const mask = interleave(Array(gates.length).fill(new Float32Array(units).fill(1)), units);
  return ground.place(interleave(gates, units).map((v, i) => (mask[i] === 1 ? v : Number.NaN)));
}

function checkBounded(actual: Float32Array, { value, error }: Bounded): void {
  within(actual, value, error);
}

/** Compares gates in memory with what is expected of each, and their padding with 0 where it must be that. */
function checkGates(
  ground: Ground,
  at: number,
  expected: readonly Bounded[],
  units: number,
  isPadded = true,
): void {
  const all = ground.read(at, Math.ceil(units / 4) * 4 * expected.length);
  for (const [g, gate] of expected.entries()) {
    const values = Float32Array.from(
      { length: Math.ceil(units / 4) * 4 },
      (_, u) => all[(Math.floor(u / 4) * expected.length + g) * 4 + (u % 4)]!,
    );
    checkBounded(values.subarray(0, units), gate);
    if (isPadded) expect(values.subarray(units).every((v) => v === 0)).toBe(true);
  }
}

/** Values of a sigmoid, saturated ones among them. */
const drawOpen = (draw: Draw, units: number) => drawGate(draw, units).map((v) => 1 / (1 + Math.exp(-v)));
const drawCandidate = (draw: Draw, units: number) => drawGate(draw, units).map(Math.tanh);

const size = (units: number) => Math.ceil(units / 4) * 4;

/** What arrives at a step: dy and dh, and their sum. */
function drawArrival(ground: Ground, draw: Draw, units: number) {
  const [dy, dh] = [draw.values(units), draw.values(units)];
  const d = add(exact(dy), exact(dh));
  return { d, dyAt: placeAmong(ground, dy), dhAt: placeAmong(ground, dh) };
}

function expectZeros(values: Float32Array): void {
  expect(values.every((v) => v === 0)).toBe(true);
}

type TrainCheck = Check<TrainKernels>;

export const passCellChecks = {
  diagonal_back_f32: ((ground, draw) => {
    const [groups, gates] = [draw.integer(1, 5), draw.integer(1, 4)];
    const units = groups * 4;
    const [dz, w] = [0, 1].map(() => Array.from({ length: gates }, () => draw.values(units))) as [
      Gate[],
      Gate[],
    ];
    const before = draw.values(units);
    const at = ground.place(before);
    const weights = ground.place(interleave(w, units));
    ground.kernels.diagonal_back_f32(at, ground.place(interleave(dz, units)), weights, groups, gates);
    const sums = Array.from({ length: units }, (_, u) =>
      affine(
        [
          {
            matrix: { weights: w.map((gate) => gate[u]!), height: 1, width: gates },
            vector: exact(dz.map((gate) => gate[u]!)),
          },
        ],
        [[before[u]!]],
      ),
    );
    within(
      ground.read(at, units),
      sums.map((sum) => sum.value[0]!),
      sums.map((sum) => sum.error[0]!),
    );
  }) as TrainCheck,

  lstm_tape_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const z = [0, 1, 2, 3].map(() => drawGate(draw, units));
    const before = draw.values(units, draw.pick([1, 5]));
    const [i, f, o] = [0, 1, 3].map((g) => sigmoid(exact(z[g]!))) as [Bounded, Bounded, Bounded];
    const g = tanh(exact(z[2]!));
    const c = add(multiply(f, exact(before)), multiply(i, g));
    const [yAt, cAt] = [ground.room(units), ground.room(units)];
    const zAt = placeGates(ground, z, units);
    ground.kernels.lstm_tape_cell_f32(yAt, cAt, placeAmong(ground, before), zAt, ground.table, units);
    checkBounded(ground.read(cAt, units), c);
    checkBounded(ground.read(yAt, units), multiply(o, tanh(c)));
    checkGates(ground, zAt, [i, f, g, o], units, false);
  }) as TrainCheck,

  lstm_back_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const open = [0, 1, 2].map(() => drawOpen(draw, units)) as [Gate, Gate, Gate];
    const candidate = drawCandidate(draw, units);
    const [c, before] = [draw.values(units, draw.pick([1, 30])), draw.values(units, 5)];
    const dc = draw.values(units);
    const { d, dyAt, dhAt } = drawArrival(ground, draw, units);
    const zAt = placeGates(ground, [open[0], open[1], candidate, open[2]], units);
    const dcAt = placeAmong(ground, dc);
    const states = [placeAmong(ground, c), placeAmong(ground, before)];
    ground.kernels.lstm_back_cell_f32(...([zAt, dhAt, dcAt, dyAt, ...states, ground.table, units] as const));
    const [i, f, o] = open.map(exact) as [Bounded, Bounded, Bounded];
    const g = exact(candidate);
    const t = tanh(exact(c));
    const e = add(multiply(multiply(d, o), tanhSlope(t)), exact(dc));
    const expected = [
      multiply(multiply(e, g), sigmoidSlope(i)),
      multiply(multiply(e, exact(before)), sigmoidSlope(f)),
      multiply(multiply(e, i), tanhSlope(g)),
      multiply(multiply(d, t), sigmoidSlope(o)),
    ];
    checkGates(ground, zAt, expected, units);
    checkBounded(ground.read(dcAt, units), multiply(e, f));
    expectZeros(ground.read(dhAt, size(units)));
  }) as TrainCheck,

  gru_after_tape_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const [z, s] = [0, 1].map(() => [0, 1, 2].map(() => drawGate(draw, units))) as [Gate[], Gate[]];
    const h = draw.values(units);
    const [r, u] = [0, 1].map((g) => sigmoid(add(exact(z[g]!), exact(s[g]!)))) as [Bounded, Bounded];
    const n = tanh(add(exact(z[2]!), multiply(r, exact(s[2]!))));
    const yAt = ground.room(units);
    const zAt = placeGates(ground, z, units);
    const sAt = placeGates(ground, s, units);
    ground.kernels.gru_after_tape_cell_f32(yAt, zAt, sAt, placeAmong(ground, h), ground.table, units);
    checkBounded(ground.read(yAt, units), blend(u, n, exact(h)));
    checkGates(ground, zAt, [r, u, n], units, false);
    checkGates(ground, sAt, s.map(exact), units, false);
  }) as TrainCheck,

  gru_after_back_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const gates = [drawOpen(draw, units), drawOpen(draw, units), drawCandidate(draw, units)];
    const s = [0, 1, 2].map(() => draw.values(units, 4));
    const h = draw.values(units);
    const { d, dyAt, dhAt } = drawArrival(ground, draw, units);
    const zAt = placeGates(ground, gates, units);
    const sAt = placeGates(ground, s, units);
    ground.kernels.gru_after_back_cell_f32(
      ...([zAt, sAt, dhAt, dyAt, placeAmong(ground, h), ground.table, units] as const),
    );
    const [r, u, n] = gates.map(exact) as [Bounded, Bounded, Bounded];
    const dn = multiply(multiply(d, complement(u)), tanhSlope(n));
    const dr = multiply(multiply(dn, exact(s[2]!)), sigmoidSlope(r));
    const du = multiply(multiply(d, subtract(exact(h), n)), sigmoidSlope(u));
    checkGates(ground, zAt, [dr, du, dn], units);
    checkGates(ground, sAt, [dr, du, multiply(dn, r)], units);
    checkBounded(ground.read(dhAt, units), multiply(d, u));
  }) as TrainCheck,

  gru_before_tape_reset_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const z = [drawGate(draw, units), drawGate(draw, units)];
    const h = draw.values(units);
    const qAt = ground.room(size(units));
    const zAt = placeGates(ground, z, units);
    ground.kernels.gru_before_tape_reset_f32(qAt, zAt, placeAmong(ground, h), ground.table, units);
    const [r, u] = z.map((gate) => sigmoid(exact(gate))) as [Bounded, Bounded];
    checkGates(ground, qAt, [multiply(r, exact(h))], units);
    checkGates(ground, zAt, [r, u], units, false);
  }) as TrainCheck,

  gru_before_tape_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const gates = [drawOpen(draw, units), drawOpen(draw, units)];
    const candidate = drawGate(draw, units);
    const h = draw.values(units);
    const yAt = ground.room(units);
    const nAt = placeGates(ground, [candidate], units);
    const zAt = placeGates(ground, gates, units);
    ground.kernels.gru_before_tape_cell_f32(yAt, nAt, zAt, placeAmong(ground, h), ground.table, units);
    const n = tanh(exact(candidate));
    checkBounded(ground.read(yAt, units), blend(exact(gates[1]!), n, exact(h)));
    checkGates(ground, nAt, [n], units, false);
    checkGates(ground, zAt, gates.map(exact), units, false);
  }) as TrainCheck,

  gru_before_back_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const gates = [drawOpen(draw, units), drawOpen(draw, units)];
    const candidate = drawCandidate(draw, units);
    const h = draw.values(units);
    const { d, dyAt, dhAt } = drawArrival(ground, draw, units);
    const zAt = placeGates(ground, gates, units);
    const nAt = placeGates(ground, [candidate], units);
    const dqAt = ground.room(size(units));
    ground.kernels.gru_before_back_cell_f32(
      ...([zAt, nAt, dhAt, dqAt, dyAt, placeAmong(ground, h), ground.table, units] as const),
    );
    const [u, n] = [exact(gates[1]!), exact(candidate)];
    checkGates(ground, nAt, [multiply(multiply(d, complement(u)), tanhSlope(n))], units);
    const du = multiply(multiply(d, subtract(exact(h), n)), sigmoidSlope(u));
    checkGates(ground, zAt, [exact(gates[0]!), du], units, false);
    checkBounded(ground.read(dhAt, units), multiply(d, u));
    expectZeros(ground.read(dqAt, size(units)));
  }) as TrainCheck,

  gru_before_back_reset_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const [reset, other] = [drawOpen(draw, units), draw.values(units)];
    const [h, dh, dq] = [draw.values(units), draw.values(units), draw.values(units)];
    const zAt = placeGates(ground, [reset, other], units);
    const dhAt = placeAmong(ground, dh);
    const incoming = [placeAmong(ground, dq), placeAmong(ground, h)] as const;
    ground.kernels.gru_before_back_reset_f32(zAt, dhAt, ...incoming, ground.table, units);
    const r = exact(reset);
    const dr = multiply(multiply(exact(dq), exact(h)), sigmoidSlope(r));
    checkGates(ground, zAt, [dr, exact(other)], units, false);
    checkBounded(ground.read(dhAt, units), add(exact(dh), multiply(exact(dq), r)));
  }) as TrainCheck,

  elman_tanh_back_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const y = drawCandidate(draw, units);
    const { d, dyAt, dhAt } = drawArrival(ground, draw, units);
    const zAt = ground.room(size(units));
    ground.kernels.elman_tanh_back_cell_f32(zAt, dhAt, dyAt, placeAmong(ground, y), ground.table, units);
    checkGates(ground, zAt, [multiply(d, tanhSlope(exact(y)))], units);
    expectZeros(ground.read(dhAt, size(units)));
  }) as TrainCheck,

  elman_relu_back_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const y = draw.values(units).map((v) => Math.max(v, 0));
    const { d, dyAt, dhAt } = drawArrival(ground, draw, units);
    const zAt = ground.room(size(units));
    ground.kernels.elman_relu_back_cell_f32(zAt, dhAt, dyAt, placeAmong(ground, y), units);
    checkGates(ground, zAt, [multiply(d, exact(y.map((v) => (v > 0 ? 1 : 0))))], units);
    expectZeros(ground.read(dhAt, size(units)));
  }) as TrainCheck,
};
