import { cellOf } from '../model/cells.js';
import type { LayerSpec, RecurrentLayerSpec } from '../model/spec.js';
import { addColumn, placePanels } from './panels.js';
import type { Packing } from './place.js';
import { type Op, type RecurrentOp, vectorOf } from './program.js';
import { gatePlaces, rowPlaces } from './rows.js';

/** Writes the weights of an operation of a plain stack. */
export async function placeStackOp(layer: LayerSpec, op: Op, packing: Packing): Promise<void> {
  const { read, arena } = packing;
  const weight = `${layer.name}.weight`;
  if (op.op === 'embedding') {
    await read(weight, op.outputs, (rows, first) => arena.f32.set(rows, op.table / 4 + first * op.outputs));
  } else if (op.op === 'linear') {
    await placeMatrix(packing, weight, op.weight, op.inputs, identity(op.outputs));
    await placeBias(layer, op, packing);
  } else if (op.op === 'recurrent') {
    const places = placesOf(layer as RecurrentLayerSpec, op);
    await placeMatrix(packing, `${layer.name}.weight_ih`, op.wih, op.inputs, places);
    await placeState(layer as RecurrentLayerSpec, op, places, packing);
    await placeVectors(layer as RecurrentLayerSpec, op, places, packing);
  }
}

/** The bias of a layer that has one unless it says that it has none. */
export async function placeBias(
  layer: LayerSpec,
  { bias, outputs }: { bias: number; outputs: number },
  packing: Packing,
): Promise<void> {
  if ((layer as { bias?: boolean }).bias === false) return;
  await placeVector(packing, `${layer.name}.bias`, bias, identity(outputs));
}

/** Weights of states: panels, or of a diagonal layer a value for each row. */
export async function placeState(
  { name }: RecurrentLayerSpec,
  { end, whh, diagonal, block, outputs }: RecurrentOp,
  places: Int32Array,
  packing: Packing,
): Promise<void> {
  const weight = `${name}.weight_hh${end}`;
  if (diagonal) await placeVector(packing, weight, whh, places);
  // Outputs are fewer than the units of a block where they are projected.
  else await placeMatrix(packing, weight, whh, Math.min(block, outputs), places);
}

/** Vectors of rows, such as biases. A cell that does not tell its two biases apart gets their sum. */
export async function placeVectors(
  layer: RecurrentLayerSpec,
  op: RecurrentOp,
  places: Int32Array,
  packing: Packing,
): Promise<void> {
  for (const { tensor, gates, to } of cellOf(layer).columns) {
    const own = gatePlaces(places, op.hidden, gates);
    await placeVector(packing, `${layer.name}.${tensor}${op.end}`, vectorOf(op, to), own);
  }
}

/** Writes a matrix [·, depth] as panels, by the places of its rows. */
export function placeMatrix(
  { read, arena, kernels, staging }: Packing,
  name: string,
  out: number,
  depth: number,
  places: Int32Array,
): Promise<void> {
  return read(name, depth, (rows, first) =>
    placePanels(kernels, arena.f32, staging, out, depth, places, rows, first),
  );
}

/** Adds a vector to what is there, by the places of its rows. */
export function placeVector(
  { read, arena }: Packing,
  name: string,
  out: number,
  places: Int32Array,
): Promise<void> {
  return read(name, 1, (rows, first) => addColumn(arena.f32, out, places, rows, first));
}

/** The packed row of each row of a recurrent layer's tensors. */
export function placesOf(
  layer: RecurrentLayerSpec,
  { hidden, block, units, rows, strips }: RecurrentOp,
): Int32Array {
  return rowPlaces(cellOf(layer), hidden, block, (rows * block) / units, strips?.height);
}

/** Places of rows that stay in their order. */
export function identity(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => row);
}
