import { roundUp } from '../memory/layout.js';
import { cellOf } from '../model/cells.js';
import { blockSizesOf, isRecurrent, type LayerSpec, type RecurrentLayerSpec } from '../model/spec.js';
import { placeBlocks } from './blocks.js';
import { orderOf, unshuffle } from './order.js';
import { placePanels } from './panels.js';
import { placeConstants } from './parameters.js';
import type { Packing } from './place.js';
import type { Op, RecurrentOp } from './program.js';
import { placeRagged } from './ragged.js';
import { lanes, panelRows } from './rows.js';
import { placeStrips } from './strips.js';
import {
  identity,
  placeBias,
  placeMatrix,
  placeStackOp,
  placeState,
  placesOf,
  placeVectors,
} from './weights.js';
import { windowsOf } from './windows.js';

/** Writes the weights of any operation. */
export async function placeGraphOp(layer: LayerSpec, op: Op, packing: Packing): Promise<void> {
  const { read, arena, kernels, staging } = packing;
  const to = arena.f32;
  const name = (field: string) => `${layer.name}.${field}`;
  if (op.op === 'linear') {
    const turned = { ...packing, read: await unshuffle(read, op.shuffles, op.inputs) };
    await placeMatrix(turned, name('weight'), op.weight, op.inputs, identity(op.outputs));
    await placeBias(layer, op, packing);
  } else if (op.op === 'blocks') {
    await placeBlocks(kernels, to, staging, op, name('weight'), read);
    await placeBias(layer, op, packing);
  } else if (op.op === 'conv') {
    const row = roundUp(op.outputs, lanes);
    await read(name('weight'), op.width, (rows, first) => {
      for (const [k, value] of rows.entries())
        to[op.weight / 4 + (k % op.width) * row + first + Math.floor(k / op.width)] = value;
    });
    await placeBias(layer, op, packing);
  } else if (op.op === 'shuffle') {
    arena.i32.set(await orderOf({ name: layer.name, size: op.outputs }, read), op.order / 4);
  } else if (op.op === 'scale' || op.op === 'norm') {
    const row = (field: string, out: number) =>
      read(name(field), 1, (values, first) => to.set(values, out / 4 + first));
    await row('weight', op.weight);
    if (op.bias !== 0 && !(layer.kind === 'linear' && layer.bias === false)) await row('bias', op.bias);
  } else if (op.op === 'recurrent' && isRecurrent(layer) && blockSizesOf(layer) !== undefined) {
    const isOwn = (other: Op): other is RecurrentOp =>
      other.op === 'recurrent' && other.layer === op.layer && other.end === op.end;
    // The first one places them all.
    if (op.first === 0) await placeRagged(layer, packing.program.ops.filter(isOwn), read, packing, staging);
  } else if (op.op === 'recurrent') {
    await placeRecurrent(layer as RecurrentLayerSpec, op, packing);
  } else {
    await placeStackOp(layer, op, packing);
  }
}

async function placeRecurrent(layer: RecurrentLayerSpec, op: RecurrentOp, packing: Packing): Promise<void> {
  const { read, arena, program } = packing;
  const cell = cellOf(layer);
  const places = placesOf(layer, op);
  const name = (field: string) => `${layer.name}.${field}${op.end}`;
  if (op.windows === 0) {
    const turned = { ...packing, read: await unshuffle(read, op.shuffles, op.inputs) };
    await placeMatrix(turned, name('weight_ih'), op.wih, op.inputs, places);
  } else {
    await placeWindows(layer, op, places, name('weight_ih'), packing);
  }
  if (op.strips !== undefined) await placeStrips(layer, cell, op.strips, places, read, arena);
  else if (cell.recurs) await placeState(layer, op, places, packing);
  await placeVectors(layer, op, places, packing);
  if (op.projection)
    await placeMatrix(packing, name('weight_hr'), op.projection, op.hidden, identity(op.outputs));
  placeConstants(arena.f32, layer, op, program);
}

/** Input weights of which each panel reads a window of the input. */
async function placeWindows(
  layer: RecurrentLayerSpec,
  op: RecurrentOp,
  places: Int32Array,
  name: string,
  { read, arena, kernels, staging }: Packing,
): Promise<void> {
  const { inputs, starts, columns } = windowsOf(layer, places, (op.parts * op.rows) / panelRows);
  arena.i32.set(
    starts.map((start) => start * 4),
    op.windows / 4,
  );
  const width = layer.inputSize / (layer.inputBlocks ?? 1);
  await read(name, width, (rows, first) =>
    placePanels(kernels, arena.f32, staging, op.wih, inputs, places, rows, first, { width, columns }),
  );
}
