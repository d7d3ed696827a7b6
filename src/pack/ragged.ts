import type { Arena } from '../memory/arena.js';
import { cellOf } from '../model/cells.js';
import type { RecurrentLayerSpec } from '../model/spec.js';
import type { TensorReader } from '../model/tensors.js';
import type { Kernels } from '../wasm/registry.js';
import { unshuffle } from './order.js';
import { addColumn, placePanels, type Staging } from './panels.js';
import { placeConstants } from './parameters.js';
import { type Program, type RecurrentOp, vectorOf } from './program.js';
import { gatePlaces, rowPlaces } from './rows.js';

/**
 * Writes the weights of a layer whose blocks differ in size, of one direction: each tensor is read once, and its rows go
 * to the operations whose units they are.
 * @param ops one for each run of blocks of one size
 */
export async function placeRagged(
  layer: RecurrentLayerSpec,
  ops: readonly RecurrentOp[],
  read: TensorReader,
  { program, arena, kernels }: { program: Program; arena: Arena; kernels: Kernels },
  staging: Staging,
): Promise<void> {
  const to = arena.f32;
  const cell = cellOf(layer);
  const places = ops.map(({ hidden, units, rows }) => rowPlaces(cell, hidden, units, rows));
  const each = (
    field: string,
    width: number,
    gates: number,
    use: (k: number, op: RecurrentOp, rows: Float32Array, first: number) => void,
    from = read,
  ) =>
    from(`${layer.name}.${field}${ops[0]!.end}`, width, (rows, first) => {
      const last = first + rows.length / width;
      for (let gate = 0; gate < gates; gate++) {
        for (const [k, op] of ops.entries()) {
          const own = gate * layer.hiddenSize + op.first;
          const [begin, end] = [Math.max(first, own), Math.min(last, own + op.hidden)];
          if (begin >= end) continue;
          const some = rows.subarray((begin - first) * width, (end - first) * width);
          use(k, op, some, gate * op.hidden + begin - own);
        }
      }
    });

  await each(
    'weight_ih',
    layer.inputSize,
    cell.gates,
    (k, { wih, inputs }, rows, first) =>
      placePanels(kernels, to, staging, wih, inputs, places[k]!, rows, first),
    await unshuffle(read, ops[0]!.shuffles, layer.inputSize),
  );
  const depth = Math.max(...ops.map(({ units, diagonal }) => (diagonal ? 1 : units)));
  await each('weight_hh', depth, cell.gates, (k, { whh, units, diagonal }, rows, first) => {
    const own = narrow(rows, depth, diagonal ? 1 : units);
    if (diagonal) addColumn(to, whh, places[k]!, own, first);
    else placePanels(kernels, to, staging, whh, units, places[k]!, own, first);
  });
  for (const { tensor, gates, to: target } of cell.columns) {
    const own = ops.map(({ hidden }, k) => gatePlaces(places[k]!, hidden, gates));
    await each(tensor, 1, gates.length, (k, op, rows, first) =>
      addColumn(to, vectorOf(op, target), own[k]!, rows, first),
    );
  }
  for (const op of ops) placeConstants(to, layer, op, program);
}

/** The first values of each row. */
function narrow(rows: Float32Array, width: number, depth: number): Float32Array {
  if (width === depth) return rows;
  const narrowed = new Float32Array((rows.length / width) * depth);
  for (let at = 0; at < narrowed.length; at++)
    narrowed[at] = rows[Math.floor(at / depth) * width + (at % depth)]!;
  return narrowed;
}
