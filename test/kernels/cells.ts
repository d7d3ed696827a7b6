import { add, type Bounded, blend, exact, multiply, relu, sigmoid, tanh } from '../oracle/bounded.js';
import { type Check, type Draw, within } from './check.js';

/** Pre-activations: mostly ordinary ones, at times so large that every gate is saturated. */
export function drawGate(draw: Draw, units: number): Float32Array {
  return draw.values(units, draw.pick([1, 4, 30, 1e4]));
}

/** Interleaves gates as the kernels read them: [⌈units/4⌉][gates][4]. */
export function interleave(gates: readonly Float32Array[], units: number): Float32Array {
  const groups = Math.ceil(units / 4);
  const z = new Float32Array(groups * gates.length * 4);
  for (const [g, values] of gates.entries()) {
    for (let u = 0; u < units; u++) z[Math.floor(u / 4) * gates.length * 4 + g * 4 + (u % 4)] = values[u]!;
  }
  return z;
}

export const drawUnits = (draw: Draw) => draw.pick([1, 2, 3, 4, 5, 7, 8, 9, 16, 33]);

/** States are read a vector at a time, past their end. */
export const padded = (values: Float32Array, units: number) => {
  const whole = new Float32Array(Math.ceil(units / 4) * 4);
  whole.set(values);
  return whole;
};

function checkBounded(actual: Float32Array, { value, error }: Bounded): void {
  within(actual, value, error);
}

/** The oracle's own operations take a pre-activation that nothing is wrong with. */
const of = (values: Float32Array) => exact(values);

export const cellChecks = {
  lstm_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const [i, f, g, o] = [0, 1, 2, 3].map(() => drawGate(draw, units)) as Float32Array[] as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const c = draw.values(units, draw.pick([1, 5]));
    const after = add(multiply(sigmoid(of(f)), of(c)), multiply(sigmoid(of(i)), tanh(of(g))));
    const y = multiply(sigmoid(of(o)), tanh(after));
    const cAt = ground.place(c);
    const yAt = ground.room(units);
    ground.kernels.lstm_cell_f32(
      yAt,
      cAt,
      ground.place(interleave([i, f, g, o], units)),
      ground.table,
      units,
    );
    checkBounded(ground.read(cAt, units), after);
    checkBounded(ground.read(yAt, units), y);
  }) as Check,

  gru_after_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const input = [0, 1, 2].map(() => drawGate(draw, units));
    const recurrent = [0, 1, 2].map(() => drawGate(draw, units));
    const h = draw.values(units);
    const [r, z] = [0, 1].map((g) => sigmoid(add(of(input[g]!), of(recurrent[g]!)))) as [Bounded, Bounded];
    const n = tanh(add(of(input[2]!), multiply(r, of(recurrent[2]!))));
    const hAt = ground.place(padded(h, units));
    const yAt = draw.pick([hAt, ground.room(units)]);
    ground.kernels.gru_after_cell_f32(
      yAt,
      hAt,
      ground.place(interleave(input, units)),
      ground.place(interleave(recurrent, units)),
      ground.table,
      units,
    );
    checkBounded(ground.read(yAt, units), blend(z, n, of(h)));
  }) as Check,

  gru_before_reset_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const gates = [drawGate(draw, units), drawGate(draw, units)];
    const h = draw.values(units);
    const kAt = ground.room(Math.ceil(units / 4) * 4);
    ground.kernels.gru_before_reset_f32(
      kAt,
      ground.place(padded(h, units)),
      ground.place(interleave(gates, units)),
      ground.table,
      units,
    );
    checkBounded(ground.read(kAt, units), multiply(sigmoid(of(gates[0]!)), of(h)));
  }) as Check,

  gru_before_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const gates = [drawGate(draw, units), drawGate(draw, units)];
    const candidate = drawGate(draw, units);
    const h = draw.values(units);
    const hAt = ground.place(padded(h, units));
    const yAt = draw.pick([hAt, ground.room(units)]);
    ground.kernels.gru_before_cell_f32(
      yAt,
      hAt,
      ground.place(interleave(gates, units)),
      ground.place(interleave([candidate], units)),
      ground.table,
      units,
    );
    checkBounded(ground.read(yAt, units), blend(sigmoid(of(gates[1]!)), tanh(of(candidate)), of(h)));
  }) as Check,

  elman_tanh_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const z = drawGate(draw, units);
    const yAt = ground.room(units);
    ground.kernels.elman_tanh_cell_f32(yAt, ground.place(padded(z, units)), ground.table, units);
    checkBounded(ground.read(yAt, units), tanh(of(z)));
  }) as Check,

  elman_relu_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const z = drawGate(draw, units);
    const yAt = ground.room(units);
    ground.kernels.elman_relu_cell_f32(yAt, ground.place(padded(z, units)), units);
    checkBounded(ground.read(yAt, units), relu(of(z)));
  }) as Check,
};
