import { type Arena, createArena } from '../memory/arena.js';
import { roundUp } from '../memory/layout.js';
import { cellOf } from '../model/cells.js';
import { blockSizesOf, isRecurrent, type LayerSpec, type ModelSpec } from '../model/spec.js';
import type { TensorReader } from '../model/tensors.js';
import type { Kernels } from '../wasm/registry.js';
import { placeBlocks } from './blocks.js';
import { orderOf, unshuffle } from './order.js';
import { addColumn, placePanels, type Staging } from './panels.js';
import { placeConstants } from './parameters.js';
import { planProgram } from './plan.js';
import { type Op, type Program, type RecurrentOp, vectorOf } from './program.js';
import { placeRagged } from './ragged.js';
import { gatePlaces, lanes, panelRows, rowPlaces } from './rows.js';
import { placeStrips } from './strips.js';
import { placeTable } from './table.js';
import { windowsOf } from './windows.js';

/**
 * Floats that are staged at a time, unless rows are longer: what stays in a near cache. A page that is touched for the
 * first time costs more than to pack what it holds.
 */
const stagingFloats = 2 ** 14;

/** A model's program, the memory in which its weights lie packed, and kernels over it. */
export interface PackedModel {
  program: Program;
  arena: Arena;
  kernels: Kernels;
}

/**
 * Packs a checked model: plans its memory, makes it, writes the weights. The only writer of weights.
 * @param spec as checkSpec returns it
 * @param read gives exactly the tensors that the spec implies, piece by piece
 * @param open instantiates the kernels over a memory
 */
export async function packModel(
  spec: ModelSpec,
  read: TensorReader,
  workers: number,
  shared: boolean,
  open: (memory: WebAssembly.Memory) => Kernels,
): Promise<PackedModel> {
  const program = planProgram(spec, workers);
  const arena = createArena(program.bytes, shared);
  const packed = { program, arena, kernels: open(arena.memory) };
  placeTable(arena.f32, program.constants / 4);
  const staging = stagingOf(program);
  for (const op of program.ops) await placeOp(spec.layers[op.layer]!, op, read, packed, staging);
  arena.f32.fill(0, staging.address / 4, staging.address / 4 + staging.floats);
  return packed;
}

/** The first activations of a run: the plan gives them room for eight of the longest rows at least. */
function stagingOf({ run }: Program): Staging {
  const room = run.activationFloats;
  const longest = room / run.rows;
  return { address: run.activations[0]!, floats: Math.min(room, Math.max(stagingFloats, longest * lanes)) };
}

async function placeOp(
  layer: LayerSpec,
  op: Op,
  read: TensorReader,
  packed: PackedModel,
  staging: Staging,
): Promise<void> {
  const { program, arena, kernels } = packed;
  const to = arena.f32;
  const end = op.op === 'recurrent' ? op.end : '';
  const name = (field: string) => `${layer.name}.${field}${end}`;
  const panels = (field: string, out: number, depth: number, places: Int32Array, from = read) =>
    from(name(field), depth, (rows, first) =>
      placePanels(kernels, to, staging, out, depth, places, rows, first),
    );
  const column = (field: string, out: number, places: Int32Array) =>
    read(name(field), 1, (rows, first) => addColumn(to, out, places, rows, first));

  if (op.op === 'embedding') {
    await read(name('weight'), op.outputs, (rows, first) => to.set(rows, op.table / 4 + first * op.outputs));
  } else if (op.op === 'linear' && layer.kind === 'linear') {
    const turned = await unshuffle(read, op.shuffles, op.inputs);
    await panels('weight', op.weight, op.inputs, identity(op.outputs), turned);
    if (layer.bias !== false) await column('bias', op.bias, identity(op.outputs));
  } else if (op.op === 'blocks' && layer.kind === 'linear') {
    await placeBlocks(kernels, to, staging, op, name('weight'), read);
    if (layer.bias !== false) await column('bias', op.bias, identity(op.outputs));
  } else if (op.op === 'conv' && layer.kind === 'conv') {
    const row = roundUp(op.outputs, lanes);
    await read(name('weight'), op.width, (rows, first) => {
      for (const [k, value] of rows.entries())
        to[op.weight / 4 + (k % op.width) * row + first + Math.floor(k / op.width)] = value;
    });
    if (layer.bias !== false) await column('bias', op.bias, identity(op.outputs));
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
    if (op.first === 0) await placeRagged(layer, program.ops.filter(isOwn), read, packed, staging);
  } else if (op.op === 'recurrent' && isRecurrent(layer)) {
    const cell = cellOf(layer);
    const rows = (op.rows * op.block) / op.units;
    const places = rowPlaces(cell, op.hidden, op.block, rows, op.strips?.height);
    if (op.windows === 0)
      await panels('weight_ih', op.wih, op.inputs, places, await unshuffle(read, op.shuffles, op.inputs));
    else {
      const { inputs, starts, columns } = windowsOf(layer, places, (op.parts * op.rows) / panelRows);
      arena.i32.set(
        starts.map((start) => start * 4),
        op.windows / 4,
      );
      const width = layer.inputSize / (layer.inputBlocks ?? 1);
      await read(name('weight_ih'), width, (rows, first) =>
        placePanels(kernels, to, staging, op.wih, inputs, places, rows, first, { width, columns }),
      );
    }
    if (op.strips !== undefined) await placeStrips(layer, cell, op.strips, places, read, arena);
    else if (op.diagonal && cell.recurs) await column('weight_hh', op.whh, places);
    else if (cell.recurs) await panels('weight_hh', op.whh, op.projection ? op.outputs : op.block, places);
    // A cell that does not tell its two biases apart gets their sum.
    for (const { tensor, gates, to } of cell.columns)
      await column(tensor, vectorOf(op, to), gatePlaces(places, op.hidden, gates));
    if (op.projection) await panels('weight_hr', op.projection, op.hidden, identity(op.outputs));
    placeConstants(to, layer, op, program);
  }
}

/** Places of rows that stay in their order. */
function identity(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => row);
}
