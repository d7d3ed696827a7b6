import type { FamilyKernels } from '#dist/wasm/family-registry.js';
import { exact } from '../../oracle/bounded.js';
import { slstmHalf } from '../../oracle/slstm.js';
import { drawGate, drawUnits, interleave, padded } from '../cells.js';
import { type Check, within } from '../check.js';

/** One step from a state that a run may have reached: n is 0, or 1 at least. */
export const slstm_cell_f32: Check<FamilyKernels> = (ground, draw) => {
  const units = drawUnits(draw);
  const gates = [0, 1, 2, 3].map(() => drawGate(draw, units));
  const fresh = draw.pick([true, false]);
  const zeros = new Float32Array(units);
  const n = fresh ? zeros : draw.values(units).map((v) => 1 + Math.abs(v));
  const c = fresh ? zeros : draw.values(units, 2);
  const m = fresh ? zeros : draw.values(units, draw.pick([1, 100]));
  const after = slstmHalf(
    gates.map((gate) => exact(gate)),
    { c: exact(c), n: exact(n), m: exact(m) },
  );
  const [cAt, nAt, mAt] = [c, n, m].map((values) => ground.place(padded(values, units))) as [
    number,
    number,
    number,
  ];
  const yAt = ground.room(units);
  ground.kernels.slstm_cell_f32(
    yAt,
    cAt,
    nAt,
    mAt,
    ground.place(interleave(gates, units)),
    ground.table,
    units,
  );
  for (const [at, { value, error }] of [
    [cAt, after.c],
    [nAt, after.n],
    [mAt, after.m],
    [yAt, after.h],
  ] as const)
    within(ground.read(at, units), value, error);
};
