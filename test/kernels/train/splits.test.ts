import { describe, expect, it } from 'vitest';
import { cellOf } from '#dist/model/cells.js';
import { outputsOf, type RecurrentLayerSpec } from '#dist/model/spec.js';
import { placeParameters } from '#dist/pack/parameters.js';
import { partRows } from '#dist/pack/rows.js';
import { placeTable, tableFloats } from '#dist/pack/table.js';
import { withoutZoneout } from '#dist/train/plan/zoneout.js';
import { availableKernels } from '#dist/wasm/features.js';
import type { TrainKernels } from '#dist/wasm/train-registry.js';
import { type Draw, drawFrom } from '../check.js';
import { ownFloats } from '../family/general.js';
import { Ground } from '../ground.js';

/**
 * Cells that take parameters of the layer: what they give test/train compares with the oracle. Here, that any split of parts
 * and streams gives the same bytes, that nothing is written beyond what is theirs, and that what is NaN around a part's
 * units, and in what is written, does not come through.
 */
const layers: Record<string, (sizes: { inputSize: number; hiddenSize: number }) => RecurrentLayerSpec> = {
  slstm: (sizes) => ({ kind: 'slstm', name: 'a', ...sizes }),
  'an LSTM with peepholes': (sizes) => ({ kind: 'lstm', name: 'a', ...sizes, peepholes: true, clip: 1 }),
  'a projected LSTM': (sizes) => ({
    ...{ kind: 'lstm', name: 'a', ...sizes },
    projectionSize: Math.ceil(sizes.hiddenSize / 2),
  }),
  'a GRU that resets after': (sizes) => ({ kind: 'gru', name: 'a', ...sizes, clip: 1 }),
  'a GRU that resets before': (sizes) => ({ kind: 'gru', name: 'a', ...sizes, clip: 1, resetAfter: false }),
  'an Elman cell': (sizes) => ({ kind: 'elman', name: 'a', ...sizes, activation: 'softsign' }),
  'an LSTM that keeps states': (sizes) => ({
    ...{ kind: 'lstm', name: 'a', ...sizes },
    ...{ peepholes: true, zoneout: 0.3, zoneoutCell: 0.5 },
  }),
  'a projected LSTM that keeps states': (sizes) => ({
    ...{ kind: 'lstm', name: 'a', ...sizes },
    ...{ projectionSize: Math.ceil(sizes.hiddenSize / 2), zoneout: 0.5, zoneoutCell: 0.3 },
  }),
  'a GRU that keeps states': (sizes) => ({ kind: 'gru', name: 'a', ...sizes, zoneout: 0.4 }),
  'a GRU that resets before and keeps states': (sizes) => ({
    ...{ kind: 'gru', name: 'a', ...sizes },
    ...{ resetAfter: false, zoneout: 0.4 },
  }),
  'an Elman cell that keeps states': (sizes) => ({ kind: 'elman', name: 'a', ...sizes, zoneout: 0.6 }),
};

const up = (count: number, to: number) => Math.ceil(count / to) * to;

/** Runs both ways, each over some ranges of parts and streams; gives all that is left but scratch. */
function run(
  ground: Ground<TrainKernels>,
  draw: Draw,
  make: (typeof layers)[string],
  isSplit: boolean,
): Buffer {
  const { f32, kernels } = ground;
  const units = draw.integer(2, 13);
  const isWhole =
    make({ inputSize: 1, hiddenSize: 2 }).kind === 'lstm' &&
    'projectionSize' in make({ inputSize: 1, hiddenSize: 2 });
  const isDiagonal = !isWhole && draw.pick([true, false]);
  const parts = isWhole ? 1 : draw.integer(1, 3);
  const hidden = units * parts - (isDiagonal ? draw.integer(0, units - 1) : 0);
  const layer = make({ inputSize: 1, hiddenSize: hidden });
  const cell = cellOf(layer);
  const [steps, batch] = [draw.integer(1, 4), draw.integer(1, 5)];
  const rows = partRows(cell, units);
  const outputs = outputsOf(layer);
  const ld = up(Math.max(outputs, hidden), 8);
  const backUnits = up(units, 8);
  const depth = isWhole ? outputs : units;
  const moments = steps * batch;
  /** NaN between and behind what is placed */
  const room = (count: number) => {
    const at = ground.room(count);
    f32.fill(Number.NaN, at / 4, at / 4 + count);
    return at;
  };
  const rowsAt = (count: number, width: number, values: Float32Array) => {
    const at = room(count * ld);
    for (const [i, value] of values.entries()) f32[at / 4 + Math.floor(i / width) * ld + (i % width)] = value;
    return at;
  };
  const table = ground.room(ownFloats);
  placeTable(f32, table / 4);
  const panels = up(outputs, 8);
  const projection = isWhole ? ground.place(draw.values(panels * (hidden + 1 + up(hidden, 8)))) : 0;
  if (isWhole) f32.fill(0, projection / 4 + panels * hidden, projection / 4 + panels * (hidden + 1));
  const slots = (steps + 1) * batch;
  const y = rowsAt(slots, outputs, draw.values(batch * outputs));
  // Of an sLSTM c, n and m, of which n is 1 at least; each has its room, and they are as far apart as that is.
  const states = cell.states.length - 1;
  const c = room(Math.max(1, states) * slots * ld);
  for (let k = 0; k < states; k++)
    for (let b = 0; b < batch; b++)
      for (let u = 0; u < hidden; u++)
        f32[c / 4 + (k * slots + b) * ld + u] = k === 1 ? 1 + draw.values(1)[0]! ** 2 : draw.values(1)[0]!;
  const apart = slots * ld * 4;
  placeParameters(f32, table / 4 + tableFloats, withoutZoneout(layer), {
    apart,
    block: units,
    outputs,
    projection,
  });
  const z = ground.place(draw.values(parts * moments * rows));
  const sizeS = parts * moments * Math.max(rows, up(units, 4) + panels);
  const s = room(sizeS);
  const dy = rowsAt(moments, outputs, draw.values(moments * outputs));
  const whh = ground.place(draw.values(parts * rows * (isDiagonal ? 1 : depth), 0.3));
  const whhT = ground.place(draw.values(parts * rows * (isDiagonal ? 1 : up(depth, 8)), 0.3));
  const bhh = ground.place(draw.values(parts * rows, 0.3));
  const lengths = ground.placeIntegers(Array.from({ length: batch }, () => draw.integer(0, steps)));
  const dh = room(batch * backUnits);
  const dc = room(2 * batch * backUnits);
  const said = layer as { zoneout?: number; zoneoutCell?: number };
  const rates = [said.zoneout ?? 0, said.zoneoutCell ?? 0];
  const made = room(moments * ld);
  const lots = rates.flatMap((rate, k) => [Number(rate > 0), 7 + k, Math.ceil(rate * 2 ** 32) - 1]);
  const zeros = ground.room(ld);
  const record = [...lots, made, room(2 * batch * backUnits), zeros];
  const zone = rates.some((rate) => rate > 0) ? ground.placeIntegers(record) : 0;
  const cuts = isSplit ? [draw.integer(0, parts), draw.integer(0, batch)] : [0, 0];
  const ranges = [
    [0, cuts[0]!, 0, batch],
    [cuts[0]!, parts, cuts[1]!, batch],
    [cuts[0]!, parts, 0, cuts[1]!],
  ] as const;
  const sizes = [table, lengths, steps, batch, hidden, units, isDiagonal ? 1 : 0] as const;
  const bytes = ld * 4;
  for (const range of ranges)
    kernels.recurrent_tape_f32(cell.code, y, bytes, c, bytes, z, s, whh, bhh, ...sizes, ...range, zone);
  for (const range of ranges)
    kernels.recurrent_back_f32(
      cell.code,
      dy,
      bytes,
      y,
      bytes,
      c,
      bytes,
      z,
      s,
      dh,
      dc,
      whhT,
      bhh,
      ...sizes,
      ...range,
      zone,
    );
  expect(ground.brokenFence()).toBeNull();
  const dz = ground.read(z, ((parts - 1) * rows + partRows(cell, hidden - (parts - 1) * units)) * moments);
  expect(dz.every(Number.isFinite)).toBe(true);
  const left = [ground.read(y, slots * ld), ground.read(c, states * slots * ld), dz, ground.read(s, sizeS)];
  left.push(ground.read(made, moments * ld));
  if (rates[1]! > 0) {
    // So that none of it meets a gradient of 0 as NaN.
    for (let row = 0; row < moments; row++)
      expect(ground.read(made + row * bytes, hidden).every(Number.isFinite)).toBe(true);
  }
  return Buffer.concat(left.map((values) => new Uint8Array(values.buffer)));
}

describe.each(availableKernels())('%s', (set) => {
  it.each(Object.keys(layers))('%s: any split gives the same bytes', async (name) => {
    const ground = await Ground.openTraining(set);
    for (let seed = 1; seed <= 60; seed++) {
      ground.clear();
      const whole = run(ground, drawFrom(seed), layers[name]!, false);
      ground.clear();
      const split = run(ground, drawFrom(seed), layers[name]!, true);
      expect(Buffer.compare(split, whole), `seed ${seed}`).toBe(0);
    }
  });
});
