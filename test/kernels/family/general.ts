import { type Func, type FunctionName, functions } from '#dist/model/functions.js';
import type { ElmanSpec, GruSpec, LstmSpec, RecurrentLayerSpec } from '#dist/model/spec.js';
import { parameterFloats, placeParameters } from '#dist/pack/parameters.js';
import { placeTable, tableFloats } from '#dist/pack/table.js';
import type { FamilyKernels } from '#dist/wasm/family-registry.js';
import { type Bounded, exact } from '../../oracle/bounded.js';
import { elmanHalf, gruAfterHalf, gruBeforeHalf, gruReset, lstmHalf } from '../../oracle/general.js';
import { drawGate, drawUnits, interleave, padded } from '../cells.js';
import { type Check, type Draw, within } from '../check.js';
import type { Ground } from '../ground.js';

type FamilyCheck = Check<FamilyKernels>;

const names = Object.keys(functions) as FunctionName[];

/** A function, perhaps with alpha and beta. */
export function drawFunc(draw: Draw): Func {
  const name = draw.pick(names);
  const [alpha, beta] = draw.values(2, 2) as unknown as [number, number];
  const takes = functions[name].length;
  if (takes === 0 || draw.pick([true, false])) return name;
  return { function: name, alpha, ...(takes > 1 ? { beta } : {}) };
}

/** What every general cell may say. */
export const drawClip = (draw: Draw) => (draw.pick([true, false]) ? { clip: draw.pick([0.1, 1, 20]) } : {});
export const drawFuncs = (draw: Draw, count: number): { activations?: Func[] } =>
  draw.pick([true, true, false]) ? { activations: Array.from({ length: count }, () => drawFunc(draw)) } : {};

const sizes = { name: 'rnn', inputSize: 1, hiddenSize: 1 };

function drawGru(draw: Draw): GruSpec {
  return { kind: 'gru', ...sizes, ...drawClip(draw), ...drawFuncs(draw, 2) };
}

/** Floats of a layer's own constants and parameters. */
export const ownFloats = tableFloats + parameterFloats;

/** The layer's own constants, with its parameters behind them. */
function placeOwn(ground: Ground<FamilyKernels>, layer: RecurrentLayerSpec): number {
  const table = ground.room(ownFloats);
  placeTable(ground.f32, table / 4);
  placeParameters(ground.f32, table / 4 + tableFloats, layer, {
    apart: 0,
    block: 1,
    outputs: 1,
    projection: 0,
  });
  return table;
}

function check(actual: Float32Array, { value, error }: Bounded): void {
  within(actual, value, error);
}

const all = (values: readonly Float32Array[]) => values.map((each) => exact(each));

export const generalChecks = {
  lstm_general_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const layer: LstmSpec = {
      ...{ kind: 'lstm', ...sizes, ...drawClip(draw), ...drawFuncs(draw, 3) },
      ...{ coupled: draw.pick([true, false]), peepholes: draw.pick([true, false]) },
      ...(draw.pick([true, false]) ? { zoneoutCell: draw.pick([0.1, 1]) } : {}),
    };
    const gates = [0, 1, 2, 3].map(() => drawGate(draw, units));
    const peepholes = layer.peepholes ? [0, 1, 2].map(() => draw.values(units)) : [];
    const c = draw.values(units, draw.pick([1, 5]));
    const [pi, pf, po] = peepholes as [Float32Array, Float32Array, Float32Array];
    const p = layer.peepholes ? ground.place(interleave([pi, pf, new Float32Array(units), po], units)) : 0;
    const { h, c: after } = lstmHalf(layer, all(gates), exact(c), peepholes);
    const cAt = ground.place(c);
    const yAt = ground.room(units);
    const zAt = ground.place(interleave(gates, units));
    ground.kernels.lstm_general_cell_f32(yAt, cAt, zAt, p, placeOwn(ground, layer), units);
    check(ground.read(cAt, units), after);
    check(ground.read(yAt, units), h);
  }) as FamilyCheck,

  gru_after_general_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const layer = drawGru(draw);
    const input = [0, 1, 2].map(() => drawGate(draw, units));
    const recurrent = [0, 1, 2].map(() => drawGate(draw, units));
    const h = draw.values(units);
    const hAt = ground.place(padded(h, units));
    const yAt = draw.pick([hAt, ground.room(units)]);
    const [zAt, sAt] = [ground.place(interleave(input, units)), ground.place(interleave(recurrent, units))];
    ground.kernels.gru_after_general_cell_f32(yAt, hAt, zAt, sAt, placeOwn(ground, layer), units);
    check(ground.read(yAt, units), gruAfterHalf(layer, all(input), all(recurrent), exact(h)));
  }) as FamilyCheck,

  gru_before_general_reset_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const layer = drawGru(draw);
    const gates = [drawGate(draw, units), drawGate(draw, units)];
    const h = draw.values(units);
    const qAt = ground.room(Math.ceil(units / 4) * 4);
    const hAt = ground.place(padded(h, units));
    const zAt = ground.place(interleave(gates, units));
    ground.kernels.gru_before_general_reset_f32(qAt, hAt, zAt, placeOwn(ground, layer), units);
    check(ground.read(qAt, units), gruReset(layer, exact(gates[0]!), exact(h)));
  }) as FamilyCheck,

  gru_before_general_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const layer = drawGru(draw);
    const gates = [drawGate(draw, units), drawGate(draw, units)];
    const candidate = drawGate(draw, units);
    const h = draw.values(units);
    const hAt = ground.place(padded(h, units));
    const yAt = draw.pick([hAt, ground.room(units)]);
    const [zAt, nAt] = [ground.place(interleave(gates, units)), ground.place(interleave([candidate], units))];
    ground.kernels.gru_before_general_cell_f32(yAt, hAt, zAt, nAt, placeOwn(ground, layer), units);
    check(ground.read(yAt, units), gruBeforeHalf(layer, exact(gates[1]!), exact(candidate), exact(h)));
  }) as FamilyCheck,

  elman_general_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const layer: ElmanSpec = { kind: 'elman', ...sizes, ...drawClip(draw), activation: drawFunc(draw) };
    const z = drawGate(draw, units);
    const yAt = ground.room(units);
    const zAt = ground.place(padded(z, units));
    ground.kernels.elman_general_cell_f32(yAt, zAt, placeOwn(ground, layer), units);
    check(ground.read(yAt, units), elmanHalf(layer, exact(z)));
  }) as FamilyCheck,
};
