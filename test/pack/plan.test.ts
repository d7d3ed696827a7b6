import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cellOf } from '#dist/model/cells.js';
import { checkSpec } from '#dist/model/check.js';
import { maxSize } from '#dist/model/given.js';
import type { ModelSpec, RecurrentLayerSpec } from '#dist/model/spec.js';
import { readerOf, type TensorReader } from '#dist/model/tensors.js';
import { graph, planGraph } from '#dist/pack/graph.js';
import { parameterFloats } from '#dist/pack/parameters.js';
import { packModel } from '#dist/pack/place.js';
import { planProgram, tileSteps } from '#dist/pack/plan.js';
import type { BlocksOp, Frame, LinearOp, Program, RecurrentOp } from '#dist/pack/program.js';
import { rowPlaces } from '#dist/pack/rows.js';
import { tableFloats } from '#dist/pack/table.js';
import { loadBinary } from '#dist/wasm/binaries.js';
import { instantiateNow } from '#dist/wasm/instance-now.js';
import { stack } from '../oracle/arbitraries.js';
import { blockedRecurrent, blockedStack } from '../oracle/blocks.js';
import { expandInputs } from '../oracle/dense.js';
import { draw, layerOf, sceneOf } from '../session/draw.js';

const [simd, simdShared] = await Promise.all([loadBinary('simd'), loadBinary('simd-shared')]);
const open = (memory: WebAssembly.Memory) => instantiateNow(simd, memory);
const openShared = (memory: WebAssembly.Memory) => instantiateNow(simdShared, memory);

interface Region {
  what: string;
  from: number;
  bytes: number;
}

/** Every region of a program's memory, with the size that its users assume. */
function regionsOf(program: Program): Region[] {
  const regions: Region[] = [
    { what: 'control', from: program.control, bytes: 7 * 64 },
    { what: 'constants', from: program.constants, bytes: tableFloats * 4 },
  ];
  for (const op of program.ops) {
    const add = (what: string, from: number, floats: number) =>
      regions.push({ what: `${op.name} ${what}`, from, bytes: floats * 4 });
    if (op.op === 'recurrent') {
      add('wih', op.wih, op.parts * op.rows * op.inputs);
      add('bih', op.bih, op.parts * op.rows);
      if (op.windows) add('windows', op.windows, (op.parts * op.rows) / 8);
      const depth = op.projection ? op.outputs : op.units;
      if (op.whh) add('whh', op.whh, op.parts * op.rows * (op.diagonal ? 1 : depth));
      if (op.projection) add('projection', op.projection, Math.ceil(op.outputs / 8) * 8 * (op.hidden + 1));
      if (op.bhh) add('bhh', op.bhh, op.parts * op.rows);
      if (op.parameters) add('parameters', op.parameters, tableFloats + parameterFloats);
    } else if (op.op === 'linear') {
      add('weight', op.weight, op.panels * 8 * op.inputs);
      add('bias', op.bias, op.panels * 8);
    } else if (op.op === 'blocks') {
      add('weight', op.weight, op.panels * 8 * op.inputs);
      add('bias', op.bias, op.outputs + 8);
    } else if (op.op === 'scale') {
      add('weight', op.weight, op.outputs);
      add('bias', op.bias, op.outputs);
    } else if (op.op === 'embedding') {
      add('table', op.table, op.count * op.outputs);
    }
  }
  regions.push(...frameRegions(program, program.run, 'run'));
  if (program.step !== program.run) regions.push(...frameRegions(program, program.step, 'step'));
  return regions;
}

function frameRegions(program: Program, frame: Frame, name: string): Region[] {
  const buffer = frame.activationFloats * 4;
  return [
    { what: `${name} input`, from: frame.input, bytes: frame.rows * Math.max(1, program.inputs) * 4 },
    ...frame.activations.map((from, k) => ({ what: `${name} activations ${k}`, from, bytes: buffer })),
    { what: `${name} lengths`, from: frame.lengths, bytes: frame.batch * 4 },
    { what: `${name} masks`, from: frame.masks.at, bytes: frame.masks.width * frame.masks.steps },
    ...frame.states.flatMap(({ at, ld }, k) =>
      at.map((from, part) => ({ what: `${name} state ${k}.${part}`, from, bytes: frame.batch * ld })),
    ),
    ...frame.scratch.map((from, k) => ({
      what: `${name} scratch ${k}`,
      from,
      bytes: frame.scratchFloats * 4,
    })),
  ];
}

const specs = stack();
const workers = fc.integer({ min: 1, max: 64 });

describe('a plan', () => {
  test('no two regions share a cache line, none is at 0, all lie within the memory', () => {
    fc.assert(
      fc.property(fc.oneof(specs, blockedStack()), workers, (spec, n) => {
        const program = planProgram(spec, n, planGraph);
        const regions = regionsOf(program).sort((a, b) => a.from - b.from);
        let end = 64;
        for (const { what, from, bytes } of regions) {
          expect(from % 64, what).toBe(0);
          expect(from, what).toBeGreaterThanOrEqual(end);
          end = from + Math.ceil(bytes / 64) * 64;
        }
        expect(end).toBeLessThanOrEqual(program.bytes);
      }),
      { numRuns: 200 },
    );
  });

  test('a tile of steps fits its scratch, whatever the piece', () => {
    fc.assert(
      fc.property(specs, workers, fc.nat(), fc.nat(), (spec, n, b, t) => {
        const program = planProgram(spec, n, planGraph);
        for (const frame of [program.run, program.step]) {
          const batch = 1 + (b % frame.batch);
          const steps = 1 + (t % Math.floor(frame.rows / batch));
          for (const op of program.ops) {
            if (op.op !== 'recurrent') continue;
            const tile = tileSteps(frame, op.rows, batch, steps);
            expect(tile).toBeGreaterThanOrEqual(1);
            expect(tile).toBeLessThanOrEqual(steps);
            // One more step of pre-activations for the second half of a GRU.
            expect((tile + 1) * batch * op.rows).toBeLessThanOrEqual(frame.scratchFloats);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test('a step of a full slice fits the step frame', () => {
    fc.assert(
      fc.property(specs, (spec) => {
        const { run, step } = planProgram(spec, 1, planGraph);
        for (const { rows, batch } of [run, step]) expect(rows).toBeGreaterThanOrEqual(batch);
      }),
    );
  });

  test('survives what a message between threads does to it', () => {
    fc.assert(
      fc.property(specs, (spec) => {
        const program = planProgram(spec, 2, planGraph);
        expect(structuredClone(program)).toEqual(program);
      }),
    );
  });

  test('work is the multiply-adds of a step', () => {
    const spec: ModelSpec = {
      layers: [layerOf('lstm', 'a', 5, 12, 3), { kind: 'linear', name: 'b', inputSize: 12, outputSize: 7 }],
    };
    expect(planProgram(spec, 1, planGraph).work).toBe(4 * 12 * (5 + 4) + 7 * 12);
    const blocks: ModelSpec = {
      layers: [
        { kind: 'linear', name: 'a', inputSize: 12, outputSize: 20, blocks: 4 },
        { kind: 'linear', name: 'b', inputSize: 20, outputSize: 20, blocks: 20 },
      ],
    };
    expect(planProgram(blocks, 1, planGraph).work).toBe(20 * 3 + 20);
    // Units 9 to 12 share a panel, and so a window of three blocks: the zeros in it are no work.
    const read: ModelSpec = { layers: [{ ...layerOf('lstm', 'a', 18, 18, 2), inputBlocks: 9 }] };
    expect((planProgram(read, 1, planGraph).ops[0] as RecurrentOp).inputs).toBe(6);
    expect(planProgram(read, 1, planGraph).work).toBe(4 * 18 * (2 + 9));
  });
});

describe('a packed memory', () => {
  test('is as large as the plan, a spare page and no more, and cannot grow', async () => {
    const spec = checkSpec({ layers: [layerOf('lstm', 'a', 5, 12, 3)] });
    const { program, arena } = await packModel(
      spec,
      readerOf(draw(spec, sceneOf()).tensors),
      1,
      false,
      open,
      graph,
    );
    const pages = Math.ceil(program.bytes / 65536) + 1;
    expect(arena.memory.buffer.byteLength).toBe(pages * 65536);
    expect(() => arena.memory.grow(1)).toThrow(RangeError);
    expect(arena.memory.buffer).toBeInstanceOf(ArrayBuffer);
  });

  test('is shared where threads share it', async () => {
    const spec = checkSpec({ layers: [layerOf('lstm', 'a', 5, 12, 3)] });
    const { arena } = await packModel(
      spec,
      readerOf(draw(spec, sceneOf()).tensors),
      2,
      true,
      openShared,
      graph,
    );
    expect(arena.memory.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  test('holds rows that are longer than what is staged at a time', async () => {
    const [rows, depth] = [6, maxSize];
    const spec = checkSpec({
      layers: [{ kind: 'linear', name: 'a', inputSize: depth, outputSize: rows, bias: false }],
    });
    const data = Float32Array.from({ length: rows * depth }, (_, i) => i + 1);
    const tensors = { 'a.weight': { shape: [rows, depth], data } };
    const { program, arena } = await packModel(spec, readerOf(tensors), 1, false, open, graph);
    const from = (program.ops[0] as LinearOp).weight / 4;
    const panel = arena.f32.subarray(from, from + 8 * depth);
    const isPlaced = (value: number, i: number) =>
      value === (i % 8 < rows ? data[(i % 8) * depth + (i >> 3)] : 0);
    expect(panel.findIndex((value, i) => !isPlaced(value, i))).toBe(-1);
  });

  test('holds rows of blocks in panels of eight, the last eight of a block too', async () => {
    const [blocks, units, depth] = [3, 12, 5];
    const spec = checkSpec({
      layers: [
        {
          kind: 'linear',
          name: 'a',
          inputSize: blocks * depth,
          outputSize: blocks * units,
          blocks,
          bias: false,
        },
      ],
    });
    const data = Float32Array.from({ length: blocks * units * depth }, (_, i) => i + 1);
    const tensors = { 'a.weight': { shape: [blocks * units, depth], data } };
    // Rows come in pieces that end within a block.
    const read = readerOf(tensors);
    const inPieces: TensorReader = (name, width, use) =>
      read(name, width, (rows) => {
        for (let row = 0; row < rows.length / width; row += 5)
          use(rows.subarray(row * width, (row + 5) * width), row);
      });
    const { program, arena } = await packModel(spec, inPieces, 1, false, open, graph);
    const from = (program.ops[0] as BlocksOp).weight / 4;
    const packed = arena.f32.subarray(from, from + blocks * 2 * 8 * depth);
    const rowAt = [0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7, 8, 9, 10, 11];
    const expected = packed.map((_, i) => {
      const [panel, k, lane] = [Math.floor(i / (8 * depth)), (i >> 3) % depth, i % 8];
      return data[(Math.floor(panel / 2) * units + rowAt[(panel % 2) * 8 + lane]!) * depth + k]!;
    });
    expect(packed).toEqual(expected);
  });

  test('holds what units read of blocks of inputs, and zeros in the rest of a window', async () => {
    await fc.assert(
      fc.asyncProperty(
        blockedRecurrent(36, 'a', false).filter((layer) => layer.inputBlocks !== undefined),
        async (given) => {
          const spec = checkSpec({ layers: [given] });
          const layer = spec.layers[0] as RecurrentLayerSpec;
          const { tensors } = draw(spec, sceneOf());
          const { program, arena } = await packModel(spec, readerOf(tensors), 1, false, open, graph);
          const { wih, windows, inputs, hidden, units, rows } = program.ops[0] as RecurrentOp;
          const dense = expandInputs(spec, tensors).tensors['a.weight_ih']!;
          const places = rowPlaces(cellOf(layer), hidden, units, rows);
          for (const [row, place] of places.entries()) {
            const start = arena.i32[windows / 4 + (place >> 3)]! / 4;
            const own = dense.data.slice(row * 36, (row + 1) * 36);
            for (let k = 0; k < inputs; k++) {
              const at = ((place >> 3) * inputs + k) * 8 + (place & 7);
              expect(arena.f32[wih / 4 + at]).toBe(own[start + k]);
            }
            expect(own.fill(0, start, start + inputs).every((value) => value === 0)).toBe(true);
          }
        },
      ),
    );
  });

  test('a block of units that reads its own block of inputs reads nothing else', () => {
    for (const [blocks, inputBlocks, inputs] of [
      [8, 8, 5],
      [4, 2, 20],
      [2, 4, 10],
      [96, 8, 5],
      [1, 1, 40],
    ] as const) {
      const layer = { ...layerOf('lstm', 'a', 40, 96, blocks), inputBlocks };
      const [op] = planProgram(checkSpec({ layers: [layer] }), 1, planGraph).ops;
      expect((op as RecurrentOp).inputs).toBe(inputs);
    }
  });

  test('holds every weight once, and zeros for padding', async () => {
    await fc.assert(
      fc.asyncProperty(specs, fc.integer(), async (spec, seed) => {
        const checked = checkSpec(spec);
        const { tensors } = draw(spec, sceneOf({ seed }));
        // Both biases of most cells are added up; with one of them zero that moves nothing.
        for (const name of Object.keys(tensors)) if (name.endsWith('bias_hh')) tensors[name]!.data.fill(0);
        const { program, arena } = await packModel(checked, readerOf(tensors), 1, false, open, graph);
        const packed: number[] = [];
        const weights = regionsOf(program).filter(({ what }) =>
          / (wih|whh|bih|bhh|weight|bias|table)$/.test(what),
        );
        for (const { from, bytes } of weights)
          for (const value of arena.f32.subarray(from / 4, (from + bytes) / 4))
            if (value !== 0) packed.push(value);
        const given = Object.values(tensors).flatMap(({ data }) => [...data].filter((value) => value !== 0));
        const sorted = (values: number[]) => Float32Array.from(values).sort();
        expect(sorted(packed)).toEqual(sorted(given));
        // Nothing but weights and the kernels' constants has been written.
        const zeros = arena.f32.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);
        expect(zeros).toBe(arena.f32.length - packed.length - tableFloats);
      }),
      { numRuns: 40 },
    );
  });
});
