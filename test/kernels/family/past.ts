import { expect } from 'vitest';
import type { ConvSpec, DelaySpec } from '#dist/model/spec.js';
import type { FamilyKernels } from '#dist/wasm/family-registry.js';
import { type Bounded, exact } from '../../oracle/bounded.js';
import { stepPast } from '../../oracle/past.js';
import { type Check, type Draw, within } from '../check.js';
import type { Ground } from '../ground.js';

type FamilyCheck = Check<FamilyKernels>;

/** Some steps of some streams, their past, and what the oracle makes of them; run by two workers, each a part of the features. */
function checkPast(
  ground: Ground<FamilyKernels>,
  draw: Draw,
  layer: ConvSpec | DelaySpec,
  kept: number,
  weights: Float32Array,
  bias: Float32Array,
  run: (
    from: number,
    to: number,
    at: { x: number; y: number; h: number; ld: number; ends: number[] },
  ) => void,
  givesY = true,
): void {
  const { size } = layer;
  const [steps, batch, t0] = [draw.integer(1, 6), draw.integer(1, 3), draw.pick([0, 0, 3])];
  const ld = Math.ceil(size / 4) * 4 + draw.pick([0, 4]);
  const wide = (rows: Float32Array[]) => {
    const all = new Float32Array(rows.length * ld + 4);
    for (const [k, row] of rows.entries()) all.set(row, k * ld);
    return all;
  };
  const x = Array.from({ length: steps * batch }, () => draw.values(size));
  const past = Array.from({ length: batch }, () => Array.from({ length: kept }, () => draw.values(size)));
  const ragged = draw.pick([true, false]);
  const lengths = Int32Array.from({ length: batch }, () => draw.integer(0, t0 + steps + 1));
  const ldh = kept * size + 4;
  const h = new Float32Array(batch * ldh + 4);
  for (const [b, rows] of past.entries())
    for (const [k, row] of rows.entries()) h.set(row, b * ldh + k * size);
  const at = {
    ...{ x: ground.place(wide(x)), y: ground.room(steps * batch * ld), h: ground.place(h), ld: 4 * ld },
    ends: [ragged ? ground.placeIntegers(lengths) : 0, t0, steps, batch],
  };
  const cut = Math.min(size, draw.pick([0, 8, 16]));
  run(0, cut, at);
  run(cut, size, at);
  const tensors = {
    'a.weight': { shape: [size, kept + 1], data: weights },
    'a.bias': { shape: [size], data: bias },
  };
  for (let b = 0; b < batch; b++) {
    let seen: Bounded[] = past[b]!.map((row) => exact(row));
    const count = ragged ? Math.max(0, Math.min(steps, lengths[b]! - t0)) : steps;
    for (let t = 0; t < steps; t++) {
      const y = ground.read(at.y + 4 * (t * batch + b) * ld, size);
      if (t >= count) {
        if (givesY) expect(y).toEqual(new Float32Array(size));
        continue;
      }
      const step = stepPast(layer, tensors, seen, exact(x[t * batch + b]!));
      if (givesY) within(y, step.y.value, step.y.error);
      seen = step.past;
    }
    for (const [k, row] of seen.entries())
      expect(ground.read(at.h + 4 * (b * ldh + k * size), size)).toEqual(Float32Array.from(row.value));
  }
}

export const pastChecks = {
  conv_f32: ((ground, draw) => {
    const [size, width] = [draw.pick([1, 2, 3, 4, 5, 8, 9, 17, 24]), draw.integer(2, 5)];
    const [weights, bias] = [draw.values(size * width), draw.values(size)];
    const stride = Math.ceil(size / 4) * 4;
    const packed = new Float32Array(width * stride);
    for (const [k, value] of weights.entries()) packed[(k % width) * stride + Math.floor(k / width)] = value;
    const [wAt, bAt] = [
      ground.place(packed),
      ground.place(Float32Array.from({ length: stride }, (_, i) => bias[i] ?? 0)),
    ];
    const layer: ConvSpec = { kind: 'conv', name: 'a', size, width };
    checkPast(ground, draw, layer, width - 1, weights, bias, (from, to, { x, y, h, ld, ends }) =>
      ground.kernels.conv_f32(
        ...[y, ld, x, ld, h, 4 * ((width - 1) * size + 4), wAt, bAt, ...ends, size, width, from, to],
      ),
    );
  }) as FamilyCheck,

  delay_f32: ((ground, draw) => {
    const [size, steps] = [draw.pick([1, 3, 4, 8, 9, 17, 24]), draw.integer(1, 5)];
    const layer: DelaySpec = { kind: 'delay', name: 'a', size, steps };
    checkPast(
      ground,
      draw,
      layer,
      steps,
      new Float32Array(0),
      new Float32Array(0),
      (from, to, { x, y, h, ld, ends }) =>
        ground.kernels.delay_f32(
          ...[y, ld, x, ld, h, 4 * (steps * size + 4), ...ends, size, steps, from, to],
        ),
    );
  }) as FamilyCheck,

  keep_past_f32: ((ground, draw) => {
    const [size, steps] = [draw.pick([1, 3, 4, 8, 9, 17, 24]), draw.integer(1, 5)];
    const layer: DelaySpec = { kind: 'delay', name: 'a', size, steps };
    checkPast(
      ground,
      draw,
      layer,
      steps,
      new Float32Array(0),
      new Float32Array(0),
      (from, to, { x, h, ld, ends }) =>
        ground.kernels.keep_past_f32(...[h, 4 * (steps * size + 4), x, ld, ...ends, size, steps, from, to]),
      false,
    );
  }) as FamilyCheck,
};
