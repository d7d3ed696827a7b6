import { expect } from 'vitest';
import { checkSpec } from '#dist/model/check.js';
import type { CommonLayerSpec, RecurrentLayerSpec } from '#dist/model/spec.js';
import { checkTensors, readerOf } from '#dist/model/tensors.js';
import { graph } from '#dist/pack/graph.js';
import { packModel } from '#dist/pack/place.js';
import { type RecurrentOp, strideOf } from '#dist/pack/program.js';
import type { FamilyKernels } from '#dist/wasm/family-registry.js';
import { cellKinds } from '../oracle/arbitraries.js';
import { divisorsOf } from '../oracle/blocks.js';
import { runOracle } from '../oracle/model.js';
import { randomModel, randomState } from '../oracle/random.js';
import { type Check, type Draw, within } from './check.js';
import type { Ground } from './ground.js';

/** A recurrent layer of sizes at which kernels change their way. */
export function drawSpec(draw: Draw): CommonLayerSpec {
  const kind = draw.pick(cellKinds);
  const units = draw.pick([1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 24, 33]);
  const blocks = draw.pick([1, 2, 3]);
  const diagonal = draw.pick([true, false, false]);
  const hiddenSize = units * blocks;
  const inputBlocks = draw.pick([1, 1, draw.pick(divisorsOf(hiddenSize))]);
  const shared = {
    name: 'rnn',
    inputSize: inputBlocks === 1 ? draw.integer(1, 9) : inputBlocks * draw.integer(1, 3),
    ...(inputBlocks === 1 ? {} : { inputBlocks }),
    hiddenSize,
    blocks: diagonal ? hiddenSize : blocks,
  };
  return kind === 'lstm'
    ? { kind, ...shared }
    : kind === 'gruAfter' || kind === 'gruBefore'
      ? { kind: 'gru', ...shared, resetAfter: kind === 'gruAfter' }
      : { kind: 'elman', ...shared, activation: kind === 'elmanRelu' ? 'relu' : 'tanh' };
}

/** A packed layer over a memory of its own, with input and state in its run frame. */
async function drawLayer(ground: Ground, draw: Draw, layer: RecurrentLayerSpec) {
  const { hiddenSize } = layer;
  const spec = checkSpec({ layers: [layer] });
  const random = () => draw.integer(0, 2 ** 30 - 1) / 2 ** 30;
  const tensors = checkTensors(spec, randomModel(random, spec));
  const open = (memory: WebAssembly.Memory) => ground.over(memory);
  const { arena, program, kernels } = await packModel(spec, readerOf(tensors), 1, false, open, graph);
  const steps = draw.integer(1, 5);
  const batch = draw.integer(1, 7);
  const x = draw.values(steps * batch * layer.inputSize);
  const state = randomState(random, spec, batch);
  const lengths = draw.pick([true, false])
    ? Int32Array.from({ length: batch }, () => draw.integer(0, steps))
    : undefined;
  const frame = program.run;
  const { at, ld } = frame.states[0]!;
  const [h, c = 0] = at as [number, number?];
  const place = (values: Float32Array, address: number) => {
    for (let b = 0; b < batch; b++) {
      arena.f32.set(values.subarray(b * hiddenSize, (b + 1) * hiddenSize), (address + b * ld) / 4);
    }
  };
  const reset = () => {
    arena.f32.set(x, frame.input / 4);
    place(state[0]!.h, h);
    if (state[0]!.c !== undefined) place(state[0]!.c, c);
    if (lengths !== undefined) arena.i32.set(lengths, frame.lengths / 4);
  };
  reset();
  const op = program.ops[0] as RecurrentOp;
  const constants = op.parameters || program.constants;
  const ldy = strideOf(hiddenSize);
  const y = frame.activations[0]!;
  const read = (address: number, rows: number, stride: number) => {
    const values = new Float32Array(rows * hiddenSize);
    for (let r = 0; r < rows; r++) {
      const from = (address + r * stride) / 4;
      values.set(arena.f32.subarray(from, from + hiddenSize), r * hiddenSize);
    }
    return values;
  };
  return {
    ...{
      spec,
      tensors,
      kernels,
      op,
      constants,
      frame,
      steps,
      batch,
      x,
      state,
      lengths,
      reset,
      ldy,
      y,
      h,
      c,
      ld,
    },
    readOutput: () => read(y, steps * batch, ldy),
    readState: (address: number) => read(address, batch, ld),
  };
}

type Layer = Awaited<ReturnType<typeof drawLayer>>;

/** What runs a layer whole, and what steps units of it: the kernels of plain cells, or of the family. */
function kernelsOf({ kernels, op }: Layer) {
  if (op.parameters === 0) return { whole: kernels.recurrent_f32, step: kernels.recurrent_step_f32 };
  const { family_recurrent_f32, family_step_f32 } = kernels as FamilyKernels;
  return { whole: family_recurrent_f32, step: family_step_f32 };
}

/** recurrent_f32 over parts [n0, n1) in tiles of so many steps. */
function runLayer(layer: Layer, tile: number, n0 = 0, n1 = layer.op.parts): void {
  const { op, constants, frame, steps, batch, lengths, ldy, y, h, c, ld } = layer;
  const states = [y, ldy, h, c, ld];
  const input = [frame.input, op.x.ld, op.windows, frame.scratch[0]!];
  const weights = [op.wih, op.bih, op.whh, op.bhh, constants];
  const ends = [lengths === undefined ? 0 : frame.lengths, 0];
  const sizes = [steps, batch, op.inputs, op.hidden, op.units, op.diagonal ? 1 : 0];
  kernelsOf(layer).whole(op.cell, ...states, ...input, ...weights, ...ends, ...sizes, tile, n0, n1);
}

/** The same layer by single steps of ranges of units, as workers that split a part do it. */
function stepLayer(layer: Layer, draw: Draw): void {
  const { kernels, op, constants, frame, steps, batch, lengths, ldy, y, h, c, ld } = layer;
  const ldz = op.rows * 4;
  const ldx = op.x.ld;
  const ends = lengths === undefined ? 0 : frame.lengths;
  const z = frame.scratch[0]!;
  for (let part = 0; part < op.parts; part++) {
    const first = part * op.units;
    const units = Math.min(op.units, op.hidden - first);
    // A part at the end of a diagonal layer may be shorter: fewer rows, closer together.
    if (units < op.units) {
      runLayer(layer, 1, part, part + 1);
      continue;
    }
    const row = part * op.rows;
    const weights = [
      op.whh + row * (op.diagonal ? 1 : op.units) * 4,
      op.bhh === 0 ? 0 : op.bhh + row * 4,
      constants,
    ];
    for (let t = 0; t < steps; t++) {
      const x = frame.input + t * batch * ldx;
      const [bias, wih] = [op.bih + row * 4, op.wih + row * op.inputs * 4];
      const product = [z, ldz, bias, 0, x, ldx];
      if (op.windows === 0) kernels.gemm_f32(...product, wih, batch, op.inputs, op.rows / 8);
      else kernels.windows_f32(...product, op.windows + row / 2, wih, batch, op.inputs, op.rows / 8);
      const cut = Math.min(units, draw.pick([0, 8, 16]));
      const ranges = [
        [0, cut],
        [cut, units],
      ] as const;
      for (const [phase, u0, u1] of op.phases.flatMap((_, phase) =>
        ranges.map((range) => [phase, ...range] as const),
      )) {
        if (u0 === u1) continue;
        const out = y + t * batch * ldy + first * 4;
        const before = t > 0 ? [out - batch * ldy, ldy] : [h + first * 4, ld];
        const states = [out, ldy, ...before, c + first * 4, ld];
        const sizes = [batch, units, op.diagonal ? 1 : 0, u0, u1, phase];
        kernelsOf(layer).step(op.cell, ...states, z, z + batch * ldz, ...weights, ends, t, ...sizes);
      }
    }
  }
}

/** A layer whole, in tiles of so many steps, against the oracle. */
export async function checkWhole(ground: Ground, draw: Draw, spec: RecurrentLayerSpec): Promise<void> {
  const layer = await drawLayer(ground, draw, spec);
  const { steps, batch, x, state, lengths } = layer;
  const oracle = runOracle(layer.spec, layer.tensors, x, { steps, batch, state, lengths });
  runLayer(layer, draw.integer(1, steps));
  within(layer.readOutput(), oracle.y, oracle.bound);
  // The state before is an argument: keep_state_f32 moves the new one in.
  expect(layer.readState(layer.h)).toEqual(state[0]!.h);
  if (state[0]!.c !== undefined)
    within(layer.readState(layer.c), oracle.state[0]!.c!, oracle.stateBound[0]!.c!);
}

/** A layer by single steps of ranges of units: the same bytes as whole. */
export async function checkSteps(ground: Ground, draw: Draw, spec: RecurrentLayerSpec): Promise<void> {
  const layer = await drawLayer(ground, draw, spec);
  runLayer(layer, layer.steps);
  const y = layer.readOutput();
  const c = layer.readState(layer.c);
  layer.reset();
  stepLayer(layer, draw);
  expect(layer.readOutput()).toEqual(y);
  expect(layer.readState(layer.c)).toEqual(c);
}

export const layerChecks = {
  recurrent_f32: ((ground, draw) => checkWhole(ground, draw, drawSpec(draw))) as Check,

  recurrent_step_f32: ((ground, draw) => checkSteps(ground, draw, drawSpec(draw))) as Check,

  keep_state_f32: ((ground, draw) => {
    const [steps, batch, width, t0] = [
      draw.integer(1, 5),
      draw.integer(1, 4),
      draw.integer(1, 9),
      draw.integer(0, 6),
    ];
    const [stride, ldy] = [width + draw.integer(0, 4), width + draw.integer(0, 4)];
    const h = draw.values(batch * stride);
    const y = draw.values(steps * batch * ldy);
    const ends = Int32Array.from({ length: batch }, () => draw.integer(0, t0 + steps + 2));
    const ragged = draw.pick([true, false]);
    const expected = h.slice();
    for (let b = 0; b < batch; b++) {
      const last = ragged ? Math.min(steps, ends[b]! - t0) : steps;
      for (let i = 0; i < width && last > 0; i++)
        expected[b * stride + i] = y[((last - 1) * batch + b) * ldy + i]!;
    }
    const at = ground.place(h);
    const yAt = ground.place(y);
    const lengths = ragged ? ground.placeIntegers(ends) : 0;
    ground.kernels.keep_state_f32(at, 4 * stride, yAt, 4 * ldy, lengths, t0, steps, batch, width);
    expect(ground.read(at, h.length)).toEqual(expected);
  }) as Check,

  hold_f32: ((ground, draw) => {
    const [steps, batch, width, t0] = [
      draw.integer(1, 5),
      draw.integer(1, 4),
      draw.integer(1, 9),
      draw.integer(0, 6),
    ];
    const [stride, ldy] = [width + draw.integer(0, 4), width + draw.integer(0, 4)];
    const h = draw.values(batch * stride);
    const y = draw.values(steps * batch * ldy);
    const ends = Int32Array.from({ length: batch }, () => draw.integer(0, t0 + steps + 2));
    const ragged = draw.pick([true, false]);
    const expected = y.slice();
    for (let row = 0; row < steps * batch; row++) {
      const b = row % batch;
      const isPast = ragged && t0 + Math.floor(row / batch) >= ends[b]!;
      for (let i = 0; i < width; i++) expected[row * ldy + i] = isPast ? 0 : h[b * stride + i]!;
    }
    const at = ground.place(y);
    const hAt = ground.place(h);
    const lengths = ragged ? ground.placeIntegers(ends) : 0;
    ground.kernels.hold_f32(at, 4 * ldy, hAt, 4 * stride, lengths, t0, steps, batch, width);
    expect(ground.read(at, y.length)).toEqual(expected);
  }) as Check,

  embedding_f32: ((ground, draw) => {
    const [count, width, rows] = [draw.integer(1, 9), draw.integer(1, 9), draw.integer(0, 6)];
    const stride = Math.ceil(width / 4) * 4;
    const table = draw.values(count * width);
    const ids = Int32Array.from({ length: rows }, () => draw.integer(0, count - 1));
    const out = ground.room(rows * stride);
    ground.kernels.embedding_f32(
      out,
      4 * stride,
      ground.placeIntegers(ids),
      ground.place(table),
      4 * width,
      rows,
      width,
    );
    for (const [m, id] of ids.entries()) {
      expect(ground.read(out + 4 * m * stride, width)).toEqual(table.slice(id * width, (id + 1) * width));
    }
  }) as Check,
};
