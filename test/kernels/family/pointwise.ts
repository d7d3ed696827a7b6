import { placeParameters } from '#dist/pack/parameters.js';
import { placeTable, tableFloats } from '#dist/pack/table.js';
import type { FamilyKernels } from '#dist/wasm/family-registry.js';
import { exact, multiply } from '../../oracle/bounded.js';
import { qrnnHalf, sruHalf } from '../../oracle/pointwise.js';
import { drawGate, drawUnits, interleave, padded } from '../cells.js';
import { type Check, within } from '../check.js';
import { ownFloats } from './general.js';

type FamilyCheck = Check<FamilyKernels>;

export const pointwiseChecks = {
  sru_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const count = draw.pick([3, 4]);
    const gates = Array.from({ length: count }, () => drawGate(draw, units));
    const [vf, vr] = [draw.values(units), draw.values(units)];
    const [x, c] = [draw.values(units, 2), draw.values(units, 2)];
    const scale = draw.pick([1, 1.5]);
    const none = new Float32Array(units);
    const holes = [none, vf, vr, none].slice(0, count);
    const z = gates.map((gate) => exact(gate));
    const past = z[3] ?? multiply(exact(none.map(() => scale)), exact(x));
    const after = sruHalf(z, [vf, vr], past, exact(c));
    const table = ground.room(ownFloats);
    placeTable(ground.f32, table / 4);
    const layer = { kind: 'sru', name: 'a', inputSize: units, hiddenSize: units, scale } as const;
    placeParameters(ground.f32, table / 4 + tableFloats, layer, {
      apart: 0,
      block: 1,
      outputs: units,
      projection: 0,
    });
    const [cAt, yAt] = [ground.place(padded(c, units)), ground.room(units)];
    const [zAt, vAt] = [ground.place(interleave(gates, units)), ground.place(interleave(holes, units))];
    const xAt = ground.place(padded(x, units));
    ground.kernels.sru_cell_f32(yAt, cAt, zAt, vAt, xAt, table, units, count);
    within(ground.read(cAt, units), after.c.value, after.c.error);
    within(ground.read(yAt, units), after.h.value, after.h.error);
  }) as FamilyCheck,

  qrnn_cell_f32: ((ground, draw) => {
    const units = drawUnits(draw);
    const gates = [0, 1, 2].map(() => drawGate(draw, units));
    const c = draw.values(units, 2);
    const after = qrnnHalf(
      gates.map((gate) => exact(gate)),
      exact(c),
    );
    const [cAt, yAt] = [ground.place(padded(c, units)), ground.room(units)];
    ground.kernels.qrnn_cell_f32(yAt, cAt, ground.place(interleave(gates, units)), ground.table, units);
    within(ground.read(cAt, units), after.c.value, after.c.error);
    within(ground.read(yAt, units), after.h.value, after.h.error);
  }) as FamilyCheck,
};
