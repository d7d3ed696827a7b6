import { UnsupportedError } from '../base/errors.js';
import { type Layout, roundUp } from '../memory/layout.js';
import { type BlockRun, blockRunsOf } from '../model/blocks.js';
import { cellOf, type StateName, vectorsOf } from '../model/cells.js';
import { fullFunc, functionCodes } from '../model/functions.js';
import { combineCodes, kindOf } from '../model/kinds.js';
import { endOf } from '../model/recurrent.js';
import {
  type ActivationSpec,
  directionsOf,
  isRecurrent,
  type LayerSpec,
  type LinearSpec,
  type ModelSpec,
  outputsOf,
  type RecurrentLayerSpec,
  stripsOf,
} from '../model/spec.js';
import { stripSizes, stripWeights } from '../model/strips.js';
import { planBlocks } from './blocks.js';
import type { Flow } from './flow.js';
import { parameterFloats } from './parameters.js';
import type { LinearOp, Op, Place, Program, RecurrentOp, Shuffle, StatePlan } from './program.js';
import { lanes, panelRows, partRows, phasesOf, rowPlaces } from './rows.js';
import { planStrips } from './strips.js';
import { tableFloats } from './table.js';
import { windowsOf } from './windows.js';

/** Units in a part of a diagonal layer. */
const diagonalUnits = 32;

/** A place that is found when all operations are known. */
export function newPlace(): Place {
  return { slot: -1, offset: 0, ld: 0 };
}

/**
 * The operations of each layer, with room for its weights in the layout: none for a layer that does nothing, two for one
 * that goes both ways, of a delay in a loop the first half. They are not placed yet.
 */
export function planOps(
  { layers }: ModelSpec,
  { widths, shuffles, stages, groups }: Flow,
  layout: Layout,
  states: Program['states'],
  masks: Program['masks'],
): Op[][] {
  const looping = new Set(groups.flatMap((group) => (group.loops ? group.layers : [])));
  return layers.map((layer, index) => {
    if (stages[index]! < 0) return [];
    const placed = { name: layer.name, layer: index, x: newPlace(), y: newPlace() };
    if (layer.kind === 'delay' && looping.has(index)) {
      const { name, y } = placed;
      const state = states.push(stateOf(layer)) - 1;
      return [{ op: 'recall', name, layer: index, y, outputs: widths[index]!, state }];
    }
    if (layer.kind === 'linear') return [planLinear(layer, placed, shuffles[index]!, layout)];
    if (!isRecurrent(layer)) return [planLayer(layer, placed, widths[index]!, layout, states)];
    const mask = masks.find(({ name }) => name === layer.name)!.column;
    return directionsOf(layer).flatMap((direction) => {
      const end = endOf(direction);
      const kept = { end, shuffles: shuffles[index]!, state: states.push(stateOf(layer, end)) - 1 };
      return blockRunsOf(layer).map((run) => {
        const own = { ...placed, ...kept, x: newPlace(), y: newPlace(), first: run.unit };
        return planRecurrent(layer, run, { ...own, mask: mask < 0 ? mask : mask + run.block }, layout);
      });
    });
  });
}

type Placed = Pick<LinearOp, 'name' | 'layer' | 'x' | 'y'>;

function planLayer(
  layer: LayerSpec,
  placed: Placed,
  width: number,
  layout: Layout,
  states: Program['states'],
): Op {
  switch (layer.kind) {
    case 'embedding':
      return {
        op: 'embedding',
        ...placed,
        count: layer.count,
        outputs: layer.size,
        table: layout.place(layer.count * layer.size),
      };
    case 'activation':
      return planActivation(layer, placed, width);
    case 'combine':
      return { op: 'combine', ...placed, code: combineCodes[layer.combine], more: [], outputs: width };
    case 'scale':
      return planScale(placed, width, layout);
    case 'shuffle':
      return { op: 'shuffle', ...placed, outputs: width, order: layout.place(width) };
    case 'norm':
      return {
        op: 'norm',
        ...placed,
        weight: layout.place(width),
        bias: layer.norm === 'rms' ? 0 : layout.place(width),
        outputs: width,
        groups: layer.groups ?? 1,
        centred: layer.norm !== 'rms',
        epsilon: layer.epsilon ?? 1e-5,
      };
    case 'conv': {
      const floats = roundUp(width, lanes);
      return {
        op: 'conv',
        ...placed,
        outputs: width,
        width: layer.width,
        state: states.push(stateOf(layer)) - 1,
        weight: layout.place(layer.width * floats),
        bias: layout.place(floats),
      };
    }
    case 'delay':
      return {
        op: 'delay',
        ...placed,
        outputs: width,
        steps: layer.steps ?? 1,
        state: states.push(stateOf(layer)) - 1,
      };
    default:
      throw new Error(`A layer of kind ${layer.kind} is no operation of its own.`);
  }
}

function planLinear(layer: LinearSpec, placed: Placed, shuffles: Shuffle[], layout: Layout): Op {
  const { inputSize: inputs, outputSize: outputs, blocks = 1 } = layer;
  if (blocks > 1 && blocks === inputs && blocks === outputs) return planScale(placed, outputs, layout);
  if (blocks > 1) return { op: 'blocks', ...placed, ...planBlocks(layer, layout) };
  const rows = roundUp(outputs, panelRows);
  return {
    op: 'linear',
    ...placed,
    shuffles,
    inputs,
    outputs,
    panels: rows / panelRows,
    weight: layout.place(rows * inputs),
    bias: layout.place(rows),
  };
}

/** A scale, or a linear layer that is diagonal, which is one. */
function planScale(placed: Placed, width: number, layout: Layout): Op {
  const floats = roundUp(width, lanes);
  const [weight, bias] = [layout.place(floats), layout.place(floats)];
  return { op: 'scale', ...placed, weight, bias, outputs: width };
}

const kernelOf = {
  tanh: 'tanh_f32',
  sigmoid: 'sigmoid_f32',
  relu: 'relu_f32',
  softmax: 'softmax_f32',
  logSoftmax: 'log_softmax_f32',
} as const;

function planActivation(layer: ActivationSpec, placed: Placed, width: number): Op {
  const { activation } = layer;
  switch (activation) {
    case 'tanh':
    case 'sigmoid':
    case 'relu':
    case 'softmax':
    case 'logSoftmax':
      return { op: 'activation', ...placed, kernel: kernelOf[activation], outputs: width };
    default: {
      const { alpha, beta } = fullFunc({ ...layer, function: activation });
      return { op: 'function', ...placed, code: functionCodes[activation], alpha, beta, outputs: width };
    }
  }
}

/** What workers can own of a recurrent layer, units in each part, and units that read each other. */
type Parts = Pick<RecurrentOp, 'parts' | 'units' | 'block' | 'diagonal'>;

/** Parts are a layer's blocks, or runs of units of a diagonal one; where all units meet in every step there is one. */
export function partsOf(
  layer: RecurrentLayerSpec,
  { count, units: depth }: BlockRun = blockRunsOf(layer)[0]!,
): Parts {
  const hidden = count * depth;
  const diagonal = depth === 1 && stripsOf(layer) === undefined;
  if (cellOf(layer).meets) return { parts: 1, units: hidden, block: diagonal ? hidden : depth, diagonal };
  const units = diagonal ? Math.min(diagonalUnits, hidden) : depth;
  return { parts: Math.ceil(hidden / units), units, block: units, diagonal };
}

function planRecurrent(
  layer: RecurrentLayerSpec,
  run: BlockRun,
  placed: Placed & Pick<RecurrentOp, 'end' | 'state' | 'first' | 'mask' | 'shuffles'>,
  layout: Layout,
): Op {
  const { inputBlocks = 1 } = layer;
  const hidden = run.count * run.units;
  const cell = cellOf(layer);
  const { parts, units, block, diagonal } = partsOf(layer, run);
  const strips = stripsOf(layer);
  if (strips !== undefined && cell.isFamily)
    throw new UnsupportedError(
      `layer ${layer.name}: strips with other functions than a cell's own, limits, peepholes or zoneout are not supported.`,
      'layer strips',
    );
  // Units are padded to what strips cover.
  const step = strips === undefined ? lanes : stripSizes[strips.shape].rows;
  const blockRows = partRows(cell, block, step);
  const rows = (units / block) * blockRows;
  const panels = (parts * rows) / panelRows;
  const inputs =
    inputBlocks === 1
      ? layer.inputSize
      : windowsOf(layer, rowPlaces(cell, hidden, block, blockRows, step), panels).inputs;
  const outputs = Math.min(hidden, outputsOf(layer));
  const depth = diagonal ? 1 : outputs < hidden ? outputs : block;
  return {
    op: 'recurrent',
    ...placed,
    cell: cell.code,
    inputs,
    windows: inputBlocks === 1 ? 0 : layout.place(panels),
    hidden,
    parts,
    units,
    block,
    rows,
    diagonal,
    phases: phasesOf(cell, units, step),
    wih: layout.place(parts * rows * inputs),
    bih: layout.place(parts * rows),
    whh: cell.recurs && strips === undefined ? layout.place(parts * rows * depth) : 0,
    bhh: vectorsOf(cell) > 0 ? layout.place(parts * rows * vectorsOf(cell)) : 0,
    outputs,
    // Zeros stand behind the weights, in the place of a bias.
    projection: outputs < hidden ? layout.place(roundUp(outputs, panelRows) * (hidden + 1)) : 0,
    parameters: cell.isFamily ? layout.place(tableFloats + parameterFloats) : 0,
    ...(strips === undefined ? {} : { strips: planStrips(cell, hidden, strips, rows, layout) }),
  };
}

/** What a layer keeps of each stream, in one direction. */
function stateOf(layer: LayerSpec, end = ''): StatePlan {
  const widths = kindOf(layer).states?.(layer) ?? {};
  const parts = Object.entries(widths).map(([name, width]) => ({ name: name as StateName, width }));
  return { name: layer.name + end, parts };
}

/** Multiply-adds of an operation per step and stream, padding not counted. */
export function workOf(op: Op, { layers }: ModelSpec): number {
  if (op.op === 'linear' || op.op === 'blocks') return op.inputs * op.outputs;
  if (op.op === 'conv') return op.outputs * op.width;
  if (op.op === 'scale') return layers[op.layer]!.kind === 'linear' ? op.outputs : 0;
  if (op.op !== 'recurrent') return 0;
  const layer = layers[op.layer] as RecurrentLayerSpec;
  const { gates, recurs } = cellOf(layer);
  const strips = stripsOf(layer);
  const inputs = layer.inputSize / (layer.inputBlocks ?? 1);
  if (strips !== undefined) return gates * op.hidden * inputs + stripWeights(strips, gates, op.hidden);
  const depth = op.projection ? op.outputs : op.diagonal ? 1 : op.block;
  const projected = op.projection ? op.outputs * op.hidden : 0;
  return gates * op.hidden * (inputs + (recurs ? depth : 0)) + projected;
}
