import type { Arena } from '../memory/arena.js';
import type { Layout } from '../memory/layout.js';
import type { Cell } from '../model/cells.js';
import { type RecurrentLayerSpec, type StripsSpec, stripsOf } from '../model/spec.js';
import { readStrips, stripRows, stripSizes } from '../model/strips.js';
import type { TensorReader } from '../model/tensors.js';
import { addColumn } from './panels.js';

/** Recurrent weights in strips, as assembly/strips/strips.ts draws them. */
export interface PackedStrips {
  /** units in a strip, which tells its shape */
  height: number;
  /** u32, one for each row of strips and one more: phase after phase, unit after unit, gate after gate */
  starts: number;
  /** u32, in bytes of the state */
  columns: number;
  values: number;
  /** by the places of the rows; 0 where there is none */
  diagonal: number;
}

/**
 * Reserves room for strips.
 * @param rows of pre-activations, as many as whole strips cover
 */
export function planStrips(
  cell: Cell,
  hidden: number,
  { shape, count, diagonal }: StripsSpec,
  rows: number,
  layout: Layout,
): PackedStrips {
  const { rows: height, columns } = stripSizes[shape];
  return {
    height,
    starts: layout.place(cell.gates * stripRows({ shape }, hidden) + 1),
    columns: layout.place(count),
    values: layout.place(count * height * columns),
    diagonal: diagonal ? layout.place(rows) : 0,
  };
}

/**
 * Checks where the strips of a layer lie and puts them in the order in which the kernel meets them.
 * @param rowPlaces of each row of the dense matrix, where it lies
 * @throws MismatchError when a strip reaches outside the matrix
 */
export async function placeStrips(
  layer: RecurrentLayerSpec,
  cell: Cell,
  packed: PackedStrips,
  rowPlaces: Int32Array,
  read: TensorReader,
  { f32, i32 }: Arena,
): Promise<void> {
  const { name, hiddenSize } = layer;
  const spec = stripsOf(layer)!;
  const { rows, columns } = stripSizes[spec.shape];
  const perGate = stripRows(spec, hiddenSize);
  const stream = new Float32Array(cell.gates * perGate + spec.count);
  await read(`${name}.strips`, 1, (values, first) => stream.set(values, first));
  const found = readStrips(name, spec, cell.gates, hiddenSize, stream);
  /** of each strip of the tensor, the number that it gets */
  const numbers = new Int32Array(spec.count);
  let row = 0;
  let strip = 0;
  for (const gates of cell.phases) {
    for (let unit = 0; unit < perGate; unit++) {
      for (const gate of gates) {
        i32[packed.starts / 4 + row++] = strip;
        const at = gate * perGate + unit;
        for (let k = found.starts[at]!; k < found.starts[at + 1]!; k++) {
          numbers[k] = strip;
          i32[packed.columns / 4 + strip++] = found.columns[k]! * 4;
        }
      }
    }
  }
  i32[packed.starts / 4 + row] = strip;
  const width = rows * columns;
  await read(`${name}.weight_hh`, width, (values, first) => {
    for (let k = 0; k * width < values.length; k++)
      f32.set(values.subarray(k * width, (k + 1) * width), packed.values / 4 + numbers[first + k]! * width);
  });
  if (packed.diagonal === 0) return;
  await read(`${name}.diagonal`, 1, (values, first) =>
    addColumn(f32, packed.diagonal, rowPlaces, values, first),
  );
}
