import { type Arena, createArena } from '../memory/arena.js';
import { cellOf } from '../model/cells.js';
import { isRecurrent, type LayerSpec, type ModelSpec, type RecurrentLayerSpec } from '../model/spec.js';
import type { Tensors } from '../model/tensors.js';
import { packColumn, packPanels } from './panels.js';
import { planProgram } from './plan.js';
import type { LinearOp, Program, RecurrentOp } from './program.js';
import { rowOrder } from './rows.js';
import { placeTable } from './table.js';

/** A model's program and the memory in which its weights lie packed. */
export interface PackedModel {
  program: Program;
  arena: Arena;
}

/**
 * Packs a checked model: plans its memory, makes it, writes the weights. The only writer of weights.
 * @param spec as checkSpec returns it
 * @param tensors as checkTensors returns them
 */
export function packModel(spec: ModelSpec, tensors: Tensors, workers: number, shared: boolean): PackedModel {
  const program = planProgram(spec, workers);
  const arena = createArena(program.bytes, shared);
  placeTable(arena.f32, program.constants / 4);
  for (const [index, layer] of spec.layers.entries())
    placeLayer(layer, program.ops[index]!, tensors, arena.f32);
  return { program, arena };
}

function placeLayer(layer: LayerSpec, op: Program['ops'][number], tensors: Tensors, to: Float32Array): void {
  const tensor = (field: string) => tensors[`${layer.name}.${field}`]!.data;
  if (isRecurrent(layer) && op.op === 'recurrent') placeRecurrent(layer, op, tensor, to);
  if (op.op === 'embedding') to.set(tensor('weight'), op.table / 4);
  if (op.op === 'linear' && layer.kind === 'linear') placeLinear(layer.bias !== false, op, tensor, to);
}

function placeLinear(
  hasBias: boolean,
  op: LinearOp,
  tensor: (field: string) => Float32Array,
  to: Float32Array,
): void {
  const order = Int32Array.from({ length: op.panels * 8 }, (_, row) => (row < op.outputs ? row : -1));
  packPanels(to, op.weight / 4, tensor('weight'), op.inputs, order, 0);
  if (hasBias) packColumn(to, op.bias / 4, tensor('bias'), order, 0);
}

function placeRecurrent(
  layer: RecurrentLayerSpec,
  op: RecurrentOp,
  tensor: (field: string) => Float32Array,
  to: Float32Array,
): void {
  const cell = cellOf(layer);
  const { inputs, hidden, units, rows } = op;
  const inputBias = tensor('bias_ih');
  const recurrentBias = tensor('bias_hh');
  const bias = cell.separateBias ? inputBias : inputBias.map((value, row) => value + recurrentBias[row]!);
  for (let part = 0; part < op.parts; part++) {
    const first = part * units;
    const order = rowOrder(cell, Math.min(units, hidden - first), hidden);
    const row = part * rows;
    packPanels(to, op.wih / 4 + row * inputs, tensor('weight_ih'), inputs, order, first);
    packColumn(to, op.bih / 4 + row, bias, order, first);
    if (op.diagonal) packColumn(to, op.whh / 4 + row, tensor('weight_hh'), order, first);
    else packPanels(to, op.whh / 4 + row * units, tensor('weight_hh'), units, order, first);
    if (op.bhh) packColumn(to, op.bhh / 4 + row, recurrentBias, order, first);
  }
}
