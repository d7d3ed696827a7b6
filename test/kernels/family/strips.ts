import { expect } from 'vitest';
import { checkSpec } from '#dist/model/check.js';
import { checkTensors, readerOf } from '#dist/model/tensors.js';
import { graph } from '#dist/pack/graph.js';
import { packModel } from '#dist/pack/place.js';
import { addressOf, type RecurrentOp, strideOf } from '#dist/pack/program.js';
import type { FamilyKernels } from '#dist/wasm/family-registry.js';
import { cellKinds } from '../../oracle/arbitraries.js';
import { runOracle } from '../../oracle/model.js';
import { randomModel, randomState } from '../../oracle/random.js';
import { expandStripsToDense, stripShapes, withStrips } from '../../oracle/strips.js';
import { gamma, UNDERFLOW } from '../../oracle/tolerance.js';
import { layerOf } from '../../session/draw.js';
import { type Check, type Draw, within } from '../check.js';
import type { Ground } from '../ground.js';

const columnsOf = { 8: 4, 16: 1, 4: 4 } as const;
type Height = keyof typeof columnsOf;

/** Strips of `count` rows of `gates` gates over `width` states, some rows without any, in memory as kernels read them. */
function drawStrips(ground: Ground<FamilyKernels>, draw: Draw, height: Height, count: number, gates: number) {
  const columns = columnsOf[height];
  const width = columns + draw.integer(0, 20);
  const rows = Array.from({ length: count * gates }, () =>
    Array.from({ length: draw.pick([0, 1, 2, 3, 7]) }, () => draw.integer(0, width - columns)),
  );
  const firsts = rows.flat();
  const values = draw.values(firsts.length * height * columns);
  const starts = [0];
  for (const row of rows) starts.push(starts.at(-1)! + row.length);
  return {
    width,
    rows,
    values,
    at: [
      ground.placeIntegers(starts),
      ground.placeIntegers(firsts.map((first) => first * 4)),
      ground.place(values),
    ] as const,
  };
}

/** Compares out [count · height units][gates] of one stream, groups of four units gate after gate, with plain loops. */
function expectStrips(
  actual: Float32Array,
  init: Float32Array,
  h: Float32Array,
  { rows, values }: ReturnType<typeof drawStrips>,
  height: Height,
  gates: number,
): void {
  const columns = columnsOf[height];
  const expected = Float64Array.from(init);
  const magnitude = Float64Array.from(init, Math.abs);
  const terms = new Float64Array(init.length).fill(1);
  let strip = 0;
  for (const [index, row] of rows.entries()) {
    for (const first of row) {
      for (let k = 0; k < columns; k++) {
        for (let r = 0; r < height; r++) {
          const group = Math.floor(index / gates) * (height / 4) + Math.floor(r / 4);
          const at = (group * gates + (index % gates)) * 4 + (r % 4);
          const product = values[(strip * columns + k) * height + r]! * h[first + k]!;
          expected[at]! += product;
          magnitude[at]! += Math.abs(product);
          terms[at]!++;
        }
      }
      strip++;
    }
  }
  // Four sums of one output are added up at the end.
  within(
    actual,
    expected,
    magnitude.map((size, i) => gamma(terms[i]! + 3) * size + terms[i]! * UNDERFLOW),
  );
}

function tileCheck(height: Height): Check<FamilyKernels> {
  const kernel = ({ 8: 'strips_f32_8x4', 16: 'strips_f32_16x1', 4: 'strips_f32_4x4' } as const)[height];
  return (ground, draw) => {
    const gates = draw.integer(1, 4);
    const drawn = drawStrips(ground, draw, height, 1, 1);
    const h = draw.values(drawn.width);
    const init = draw.values(height * gates);
    const from = ground.place(init);
    const out = draw.pick([from, ground.room(height * gates)]);
    const before = ground.read(out, height * gates);
    const [, columns, values] = drawn.at;
    ground.kernels[kernel](out, from, gates * 16, ground.place(h), values, columns, drawn.rows[0]!.length);
    const actual = ground.read(out, height * gates);
    const own = (all: Float32Array) =>
      Float32Array.from({ length: height }, (_, r) => all[Math.floor(r / 4) * gates * 4 + (r % 4)]!);
    expectStrips(own(actual), own(init), h, drawn, height, 1);
    // Other gates' rows lie between: they are not its own.
    for (const [i, value] of actual.entries()) if (i % (gates * 4) >= 4) expect(value).toBe(before[i]);
  };
}

const strips_f32: Check<FamilyKernels> = (ground, draw) => {
  const height = draw.pick([8, 16, 4] as const);
  const [count, gates, batch] = [draw.integer(0, 4), draw.integer(1, 4), draw.integer(1, 3)];
  const drawn = drawStrips(ground, draw, height, count, gates);
  const size = count * height * gates;
  const [stride, ldh] = [size + 4 * draw.integer(0, 2), drawn.width + draw.integer(0, 5)];
  const shared = draw.pick([true, false]);
  const h = draw.values(batch * ldh);
  const init = draw.values(shared ? size : batch * stride);
  const from = ground.place(init);
  const out = shared ? ground.room(batch * stride) : draw.pick([from, ground.room(batch * stride)]);
  const ldi = shared ? 0 : stride * 4;
  ground.kernels.strips_f32(
    ...[out, stride * 4, from, ldi, ground.place(h), ldh * 4, ...drawn.at, batch, count, gates, height],
  );
  for (let b = 0; b < batch; b++) {
    const own = shared ? init : init.slice(b * stride, b * stride + size);
    expectStrips(ground.read(out + b * stride * 4, size), own, h.slice(b * ldh), drawn, height, gates);
  }
};

/** All steps of a packed layer, by ranges of units as workers take them, against the dense oracle. */
const recurrent_strips_step_f32: Check<FamilyKernels> = async (ground, draw) => {
  const shape = draw.pick(stripShapes);
  const hidden = draw.pick([4, 5, 7, 8, 9, 16, 17, 24, 33]);
  const layer = layerOf(draw.pick(cellKinds), 'rnn', draw.integer(1, 5), hidden);
  const random = () => draw.integer(0, 2 ** 30 - 1) / 2 ** 30;
  const dense = randomModel(random, { layers: [layer] });
  const made = withStrips(
    draw.integer(0, 2 ** 30),
    { layers: [layer] },
    dense,
    shape,
    draw.pick([0.3, 1]),
    draw.pick([true, false]),
  );
  const spec = checkSpec(made.spec);
  const tensors = checkTensors(spec, made.tensors);
  const packed = await packModel(spec, readerOf(tensors), 1, false, (memory) => ground.over(memory), graph);
  const { arena, program } = packed;
  const kernels = packed.kernels as FamilyKernels;
  const op = program.ops[0] as RecurrentOp;
  const [steps, batch] = [draw.integer(1, 3), draw.integer(1, 4)];
  const x = draw.values(steps * batch * layer.inputSize);
  const state = randomState(random, spec, batch);
  const lengths = draw.pick([undefined, Int32Array.from({ length: batch }, () => draw.integer(0, steps))]);
  const frame = program.run;
  const { at, ld } = frame.states[0]!;
  const [h, c = 0] = at as [number, number?];
  arena.f32.set(x, frame.input / 4);
  if (lengths !== undefined) arena.i32.set(lengths, frame.lengths / 4);
  for (let b = 0; b < batch; b++) {
    const row = (values: Float32Array) => values.subarray(b * hidden, (b + 1) * hidden);
    arena.f32.set(row(state[0]!.h), (h + b * ld) / 4);
    if (state[0]!.c !== undefined) arena.f32.set(row(state[0]!.c), (c + b * ld) / 4);
  }
  const { starts, columns, values, diagonal, height } = op.strips!;
  const strips = [starts, columns, values, diagonal, height];
  const ldy = strideOf(hidden);
  const ldx = op.inputs * 4;
  const y = addressOf(frame, op.y);
  const z = frame.scratch[0]!;
  const s = z + batch * op.rows * 4;
  const ends = lengths === undefined ? 0 : frame.lengths;
  for (let t = 0; t < steps; t++) {
    const input = frame.input + t * batch * ldx;
    kernels.gemm_f32(z, op.rows * 4, op.bih, 0, input, ldx, op.wih, batch, op.inputs, op.rows / 8);
    const cut = Math.min(hidden, draw.pick([0, 16]));
    for (let phase = 0; phase < op.phases.length; phase++) {
      for (const [u0, u1] of [
        [0, cut],
        [cut, hidden],
      ] as const) {
        if (u0 === u1) continue;
        const out = y + t * batch * ldy;
        const before = t > 0 ? [out - batch * ldy, ldy] : [h, ld];
        const states = [out, ldy, ...before, c, ld, z, s];
        const sizes = [ends, t, batch, hidden, u0, u1, phase];
        kernels.recurrent_strips_step_f32(
          ...[op.cell, ...states, ...strips, op.bhh, program.constants, ...sizes],
        );
      }
    }
  }
  const same = expandStripsToDense(spec, tensors);
  const oracle = runOracle(same.spec, same.tensors, x, { steps, batch, state, lengths });
  const read = (address: number, rows: number, stride: number) =>
    Float32Array.from(
      { length: rows * hidden },
      (_, i) => arena.f32[(address + Math.floor(i / hidden) * stride) / 4 + (i % hidden)]!,
    );
  within(read(y, steps * batch, ldy), oracle.y, oracle.bound);
  if (state[0]!.c !== undefined) within(read(c, batch, ld), oracle.state[0]!.c!, oracle.stateBound[0]!.c!);
};

export const stripChecks = {
  strips_f32_8x4: tileCheck(8),
  strips_f32_16x1: tileCheck(16),
  strips_f32_4x4: tileCheck(4),
  strips_f32,
  recurrent_strips_step_f32,
};
