import { beginLayout, type Layout, roundUp } from '../memory/layout.js';
import { cellOf } from '../model/cells.js';
import { checkPlain, type PlainLayerSpec } from '../model/plain.js';
import { blocksOf, isRecurrent, type ModelSpec, type RecurrentLayerSpec } from '../model/spec.js';
import { stripSizes, stripWeights } from '../model/strips.js';
import { widthsOf } from '../model/wiring.js';
import { type Frame, type Op, type Program, strideOf } from './program.js';
import { lanes, panelRows, partRows, phasesOf } from './rows.js';
import { planStrips } from './strips.js';
import { tableFloats } from './table.js';

/** Streams that run side by side; a larger batch runs in slices of so many. */
const mostStreams = 64;
/** Floats in an activation buffer: long sequences go through the layers in chunks that fit it. */
const chunkFloats = 2 ** 20;
const mostRows = 4096;
const leastRows = 8;
/**
 * Rows T·B of pre-activations that a tile of steps may have: so many that what they take stays in half of a common
 * second-level cache, and for wide parts no fewer than make it worth while to bring in the weights.
 */
const tileFloats = 2 ** 16;
const leastTileRows = 128;
/** Units in a part of a diagonal layer. */
const diagonalUnits = 32;
/** Words of the control block. */
export const controlWords = 1024;

/**
 * Plans the memory of a model: where weights, state and scratch will lie, and how large it is. Pure: nothing
 * is allocated yet.
 * @param spec as checkSpec returns it
 * @param workers threads that will each need scratch of their own, at least 1
 */
export function planProgram(spec: ModelSpec, workers: number): Program {
  const { layers } = checkPlain(spec, ['strips']);
  const layout = beginLayout();
  const control = layout.place(controlWords);
  const constants = layout.place(tableFloats);
  const first = spec.layers[0]!;
  const inputs = 'inputSize' in first ? first.inputSize : 0;
  const program: Program = {
    ops: [],
    inputs,
    vocabulary: first.kind === 'embedding' ? first.count : 0,
    outputs: 0,
    states: [],
    control,
    constants,
    workers,
    run: undefined as unknown as Frame,
    step: undefined as unknown as Frame,
    bytes: 0,
    weightBytes: 0,
    work: 0,
  };
  const before = layout.bytes;
  const widths = widthsOf(spec);
  for (const [index, layer] of layers.entries())
    program.ops.push(planLayer(layer, widths[index]!, layout, program));
  program.outputs = widths.at(-1)!;
  program.weightBytes = layout.bytes - before;
  const widest = Math.max(
    strideOf(inputs),
    ...program.ops.map((op) => strideOf(op.op === 'recurrent' ? op.hidden : op.outputs)),
  );
  const rows = Math.max(leastRows, Math.min(mostRows, Math.floor((chunkFloats * 4) / widest)));
  program.run = planFrame(program, layout, rows, widest, workers);
  program.step = planFrame(program, layout, Math.min(rows, mostStreams), widest, 1);
  program.bytes = layout.bytes;
  return program;
}

function planLayer(layer: PlainLayerSpec, width: number, layout: Layout, program: Program): Op {
  const { name } = layer;
  if (isRecurrent(layer)) return planRecurrent(layer, layout, program);
  switch (layer.kind) {
    case 'embedding':
      return {
        op: 'embedding',
        name,
        count: layer.count,
        outputs: layer.size,
        table: layout.place(layer.count * layer.size),
      };
    case 'linear': {
      const rows = roundUp(layer.outputSize, panelRows);
      program.work += layer.outputSize * layer.inputSize;
      return {
        op: 'linear',
        name,
        inputs: layer.inputSize,
        outputs: layer.outputSize,
        panels: rows / panelRows,
        weight: layout.place(rows * layer.inputSize),
        bias: layout.place(rows),
      };
    }
    case 'activation':
      return { op: 'activation', name, kernel: kernelOf[layer.activation], outputs: width };
  }
}

const kernelOf = {
  tanh: 'tanh_f32',
  sigmoid: 'sigmoid_f32',
  relu: 'relu_f32',
  softmax: 'softmax_f32',
  logSoftmax: 'log_softmax_f32',
} as const;

/** What workers can own of a recurrent layer: its blocks, or runs of units of a diagonal one; and units in each. */
export function partsOf(layer: RecurrentLayerSpec): { parts: number; units: number; diagonal: boolean } {
  const { hiddenSize: hidden } = layer;
  const blocks = blocksOf(layer);
  const diagonal = blocks === hidden && layer.strips === undefined;
  const units = diagonal ? Math.min(diagonalUnits, hidden) : hidden / blocks;
  return { parts: Math.ceil(hidden / units), units, diagonal };
}

function planRecurrent(layer: RecurrentLayerSpec, layout: Layout, program: Program): Op {
  const { name, inputSize: inputs, hiddenSize: hidden } = layer;
  const cell = cellOf(layer);
  const { parts, units, diagonal } = partsOf(layer);
  const { strips } = layer;
  const step = strips === undefined ? lanes : stripSizes[strips.shape].rows;
  const rows = partRows(cell, units, step);
  const state = program.states.push({ name, hidden, hasCell: cell.hasCell }) - 1;
  program.work += cell.gates * hidden * inputs + recurrentWeights(layer, cell.gates);
  return {
    op: 'recurrent',
    name,
    cell: cell.code,
    inputs,
    hidden,
    parts,
    units,
    rows,
    diagonal,
    phases: phasesOf(cell, units, step),
    state,
    wih: layout.place(parts * rows * inputs),
    bih: layout.place(parts * rows),
    whh: strips === undefined ? layout.place(parts * rows * (diagonal ? 1 : units)) : 0,
    bhh: cell.separateBias ? layout.place(parts * rows) : 0,
    ...(strips === undefined ? {} : { strips: planStrips(cell, hidden, strips, rows, layout) }),
  };
}

function recurrentWeights(layer: RecurrentLayerSpec, gates: number): number {
  const { hiddenSize, strips } = layer;
  if (strips === undefined) return (gates * hiddenSize * hiddenSize) / blocksOf(layer);
  return stripWeights(strips, gates, hiddenSize);
}

function planFrame(program: Program, layout: Layout, rows: number, widest: number, workers: number): Frame {
  const tallest = Math.max(0, ...program.ops.map((op) => (op.op === 'recurrent' ? op.rows : 0)));
  const batch = Math.min(mostStreams, rows);
  // One tile of steps and one more step for the second half of a GRU.
  const scratchFloats = (Math.min(tileRows(tallest), rows) + batch) * tallest;
  return {
    rows,
    batch,
    input: layout.place(rows * Math.max(1, program.inputs)),
    ldInput: 4 * program.inputs,
    activations: [layout.place((rows * widest) / 4), layout.place((rows * widest) / 4)],
    lengths: layout.place(batch),
    states: program.states.map(({ hidden, hasCell }) => {
      const ld = strideOf(hidden);
      return { h: layout.place((batch * ld) / 4), c: hasCell ? layout.place((batch * ld) / 4) : 0, ld };
    }),
    scratch: Array.from({ length: workers }, () => layout.place(scratchFloats)),
    scratchFloats,
  };
}

function tileRows(rows: number): number {
  return Math.max(leastTileRows, Math.floor(tileFloats / rows));
}

/** Steps per tile of a recurrent layer whose parts have so many rows; its scratch holds them and one step more. */
export function tileSteps(frame: Frame, rows: number, batch: number, steps: number): number {
  const fits = Math.floor(frame.scratchFloats / (batch * rows)) - 1;
  return Math.max(1, Math.min(steps, fits, Math.floor(tileRows(rows) / batch)));
}
