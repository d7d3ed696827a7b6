import { UnsupportedError } from '../base/errors.js';
import { type Layout, roundUp } from '../memory/layout.js';
import { type BlockRun, blockRunsOf } from '../model/blocks.js';
import { cellOf } from '../model/cells.js';
import { fullFunc, functionCodes } from '../model/functions.js';
import { combineCodes } from '../model/kinds.js';
import { isPlainFunction } from '../model/plain.js';
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
import { type Placed, partsOf, planPlain, planRecurrent, stateOf, type Weights, workOf } from './ops.js';
import { parameterFloats } from './parameters.js';
import type { Op, Place, Program, RecurrentOp, Shuffle } from './program.js';
import { lanes, panelRows, partRows, rowPlaces } from './rows.js';
import { planStrips } from './strips.js';
import { tableFloats } from './table.js';
import { windowsOf } from './windows.js';

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
    const outputs = widths[index]!;
    if (layer.kind === 'delay' && looping.has(index)) {
      const { name, y } = placed;
      const state = states.push(stateOf(layer)) - 1;
      return [{ op: 'recall', name, layer: index, y, outputs, state }];
    }
    if (layer.kind === 'linear') return [planLinear(layer, placed, outputs, shuffles[index]!, layout)];
    if (!isRecurrent(layer)) return [planLayer(layer, placed, outputs, layout, states)];
    const mask = masks.find(({ name }) => name === layer.name)!.column;
    return directionsOf(layer).flatMap((direction) => {
      const end = endOf(direction);
      const kept = { end, shuffles: shuffles[index]!, state: states.push(stateOf(layer, end)) - 1 };
      return blockRunsOf(layer).map((run) => {
        const own = { ...placed, ...kept, x: newPlace(), y: newPlace(), first: run.unit };
        return planAnyRecurrent(layer, run, { ...own, mask: mask < 0 ? mask : mask + run.block }, layout);
      });
    });
  });
}

function planLayer(
  layer: LayerSpec,
  placed: Placed,
  outputs: number,
  layout: Layout,
  states: Program['states'],
): Op {
  switch (layer.kind) {
    case 'embedding':
      return planPlain(layer, placed, outputs, layout);
    case 'activation':
      return planActivation(layer, placed, outputs, layout);
    case 'combine':
      return { op: 'combine', ...placed, code: combineCodes[layer.combine], more: [], outputs };
    case 'scale':
      return planScale(placed, outputs, layout);
    case 'shuffle':
      return { op: 'shuffle', ...placed, outputs, order: layout.place(outputs) };
    case 'norm':
      return {
        op: 'norm',
        ...placed,
        weight: layout.place(outputs),
        bias: layer.norm === 'rms' ? 0 : layout.place(outputs),
        outputs,
        groups: layer.groups ?? 1,
        centred: layer.norm !== 'rms',
        epsilon: layer.epsilon ?? 1e-5,
      };
    case 'conv': {
      const floats = roundUp(outputs, lanes);
      return {
        op: 'conv',
        ...placed,
        outputs,
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
        outputs,
        steps: layer.steps ?? 1,
        state: states.push(stateOf(layer)) - 1,
      };
    default:
      throw new Error(`A layer of kind ${layer.kind} is no operation of its own.`);
  }
}

function planLinear(
  layer: LinearSpec,
  placed: Placed,
  outputs: number,
  shuffles: Shuffle[],
  layout: Layout,
): Op {
  const { inputSize, blocks = 1 } = layer;
  if (blocks > 1 && blocks === inputSize && blocks === outputs) return planScale(placed, outputs, layout);
  if (blocks > 1) return { op: 'blocks', ...placed, ...planBlocks(layer, layout) };
  return planPlain(layer, placed, outputs, layout, shuffles);
}

/** A scale, or a linear layer that is diagonal, which is one. */
function planScale(placed: Placed, outputs: number, layout: Layout): Op {
  const floats = roundUp(outputs, lanes);
  const [weight, bias] = [layout.place(floats), layout.place(floats)];
  return { op: 'scale', ...placed, weight, bias, outputs };
}

function planActivation(layer: ActivationSpec, placed: Placed, outputs: number, layout: Layout): Op {
  const { activation } = layer;
  if (isPlainFunction(activation)) return planPlain({ ...layer, activation }, placed, outputs, layout);
  const { alpha, beta } = fullFunc({ ...layer, function: activation });
  return { op: 'function', ...placed, code: functionCodes[activation], alpha, beta, outputs };
}

/** A recurrent layer with what only those of graphs have: windows, strips, a projection, parameters. */
function planAnyRecurrent(
  layer: RecurrentLayerSpec,
  run: BlockRun,
  placed: Parameters<typeof planRecurrent>[2],
  layout: Layout,
): RecurrentOp {
  const { inputBlocks = 1 } = layer;
  const hidden = run.count * run.units;
  const cell = cellOf(layer);
  const strips = stripsOf(layer);
  if (strips !== undefined && cell.isFamily)
    throw new UnsupportedError(
      `layer ${layer.name}: strips with other functions than a cell's own, limits, peepholes or zoneout are not supported.`,
      'layer strips',
    );
  // Units are padded to what strips cover.
  const step = strips === undefined ? lanes : stripSizes[strips.shape].rows;
  const { parts, units, block } = partsOf(layer, run);
  const rows = partRows(cell, block, step);
  const panels = (parts * (units / block) * rows) / panelRows;
  const outputs = Math.min(hidden, outputsOf(layer));
  const weights: Weights = { step };
  if (inputBlocks > 1)
    weights.inputs = windowsOf(layer, rowPlaces(cell, hidden, block, rows, step), panels).inputs;
  if (!cell.recurs || strips !== undefined) weights.depth = 0;
  else if (outputs < hidden) weights.depth = outputs;
  const op = planRecurrent(layer, run, placed, layout, weights);
  return {
    ...op,
    windows: inputBlocks > 1 ? layout.place(panels) : 0,
    outputs,
    // Zeros stand behind the weights, in the place of a bias.
    projection: outputs < hidden ? layout.place(roundUp(outputs, panelRows) * (hidden + 1)) : 0,
    parameters: cell.isFamily ? layout.place(tableFloats + parameterFloats) : 0,
    ...(strips === undefined ? {} : { strips: planStrips(cell, hidden, strips, op.rows, layout) }),
  };
}

/** Multiply-adds of an operation per step and stream, padding not counted. */
export function graphWork(op: Op, layer: LayerSpec): number {
  if (op.op === 'blocks') return op.inputs * op.outputs;
  if (op.op === 'conv') return op.outputs * op.width;
  if (op.op === 'scale') return layer.kind === 'linear' ? op.outputs : 0;
  if (op.op !== 'recurrent' || !isRecurrent(layer)) return workOf(op, layer);
  const { gates, recurs } = cellOf(layer);
  const strips = stripsOf(layer);
  const inputs = layer.inputSize / (layer.inputBlocks ?? 1);
  if (strips !== undefined) return gates * op.hidden * inputs + stripWeights(strips, gates, op.hidden);
  const depth = op.projection ? op.outputs : op.diagonal ? 1 : op.block;
  const projected = op.projection ? op.outputs * op.hidden : 0;
  return gates * op.hidden * (inputs + (recurs ? depth : 0)) + projected;
}
